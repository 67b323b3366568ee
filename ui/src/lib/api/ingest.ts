import type { IngestInfo } from './bindings';
import { problemFrom } from './problem';

export type { IngestInfo };

export async function ingest(): Promise<IngestInfo> {
  const response = await fetch('/api/ingest', { cache: 'no-store' });
  if (!response.ok) throw await problemFrom(response);
  return (await response.json()) as IngestInfo;
}
