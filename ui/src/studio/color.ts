/** Colours as the document writes them: `#rrggbb`, or `#rrggbbaa` with how far they cover. */

/** What a person typed, as `#rrggbb` or `#rrggbbaa`; nothing when it is no colour. */
export function parseColor(text: string): string | null {
  const hex = /^\s*#?([0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})\s*$/i.exec(text)?.[1]?.toLowerCase();
  if (!hex) return null;
  return hex.length === 3 ? `#${[...hex].map((digit) => digit + digit).join('')}` : `#${hex}`;
}

/** Without its alpha. */
export function rgbOf(color: string): string {
  return (parseColor(color) ?? '#000000').slice(0, 7);
}

/** How far it covers, 0 to 1. */
export function alphaOf(color: string): number {
  const parsed = parseColor(color);
  return parsed?.length === 9 ? Number.parseInt(parsed.slice(7), 16) / 255 : 1;
}

/** With this alpha; `#rrggbb` when it covers all. */
export function withAlpha(color: string, alpha: number): string {
  const byte = Math.round(Math.min(1, Math.max(0, alpha)) * 255);
  return byte === 255 ? rgbOf(color) : rgbOf(color) + byte.toString(16).padStart(2, '0');
}
