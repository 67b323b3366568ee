import type { Act, Dashboard, DoctorReport, LogLine } from './bindings';
import { problemFrom } from './problem';

/** Where the station answers, and what opens its control side; an empty address is the page's own. */
export interface Door {
  readonly http: string;
  readonly token: string | null;
}

async function ask(door: Door, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...init.headers, ...(door.token ? { Authorization: `Bearer ${door.token}` } : {}) };
  const response = await fetch(`${door.http}${path}`, { ...init, headers, cache: 'no-store' });
  if (!response.ok) throw await problemFrom(response);
  return response;
}

/** The last hour in figures, or what came after a moment. */
export async function dashboard(door: Door, since: number | null, signal: AbortSignal): Promise<Dashboard> {
  const query = since === null ? '' : `?since=${since}`;
  return (await (await ask(door, `/api/dashboard${query}`, { signal })).json()) as Dashboard;
}

/** Who did what, the newest first. */
export async function acts(door: Door, search: string, before: number | null, signal?: AbortSignal): Promise<Act[]> {
  const query = new URLSearchParams({ search, limit: '100', ...(before === null ? {} : { before: String(before) }) });
  return (await (await ask(door, `/api/audit?${query}`, { signal: signal ?? null })).json()) as Act[];
}

/** The record as a file, up to a thousand acts. */
export async function exported(door: Door, search: string, format: 'csv' | 'json'): Promise<Blob> {
  const query = new URLSearchParams({ search, limit: '1000', format });
  return (await ask(door, `/api/audit?${query}`)).blob();
}

export async function doctorReports(door: Door): Promise<DoctorReport[]> {
  return (await (await ask(door, '/api/doctor/reports')).json()) as DoctorReport[];
}

export async function forgetReports(door: Door): Promise<void> {
  await ask(door, '/api/doctor/reports', { method: 'DELETE' });
}

/** A message of `/api/logs/follow`. */
export interface LogBatch {
  /** Lines that this page was too slow for. */
  missed: number;
  lines: LogLine[];
}
