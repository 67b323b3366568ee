import type { DoctorFacts, NewDoctorReport } from './bindings';
import { problemFrom } from './problem';

/** What an examination needs to know of the station. */
export async function doctorFacts(signal: AbortSignal): Promise<DoctorFacts> {
  const response = await fetch('/api/doctor', { signal, cache: 'no-store' });
  if (!response.ok) throw await problemFrom(response);
  return (await response.json()) as DoctorFacts;
}

/** Tells the host what an examination has found. */
export async function tellHost(report: NewDoctorReport): Promise<void> {
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(report) };
  const response = await fetch('/api/doctor/reports', init);
  if (!response.ok) throw await problemFrom(response);
}
