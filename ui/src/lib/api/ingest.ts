import { problemFrom } from './problem';

/** How encoders publish to the station. */
export interface IngestInfo {
  /** Where RTMP is listened for; nothing while it is off. */
  rtmp_port: number | null;
  /** Who comes without a key: nobody, anyone, or anyone the host lets in. */
  policy: 'keyed' | 'open' | 'approve';
}

export async function ingest(): Promise<IngestInfo> {
  const response = await fetch('/api/ingest', { cache: 'no-store' });
  if (!response.ok) throw await problemFrom(response);
  return (await response.json()) as IngestInfo;
}
