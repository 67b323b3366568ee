/** `1:02:03.5` in milliseconds; nothing when it is no time. */
export function timeOf(text: string): number | null {
  const all = text.trim().split(':').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (all.length > 3 || all.some((part) => !Number.isFinite(part) || part < 0)) return null;
  return Math.round(all.reduce((sum, part) => sum * 60 + part, 0) * 1000);
}

/** Milliseconds as [`timeOf`] reads them, to a tenth of a second. */
export function written(ms: number): string {
  const tenths = Math.max(0, Math.round(ms / 100));
  const [whole, minutes] = [Math.floor(tenths / 10), Math.floor(tenths / 600)];
  const seconds = `${String(whole % 60).padStart(2, '0')}${tenths % 10 === 0 ? '' : `.${tenths % 10}`}`;
  return minutes < 60 ? `${minutes}:${seconds}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${seconds}`;
}
