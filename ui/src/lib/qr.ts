import { encode } from 'uqr';

/** A QR code to be drawn: a square of `size` modules, quiet zone included, and its dark ones as an SVG path. */
export interface Code {
  readonly size: number;
  readonly path: string;
}

const QUIET = 4;

/** A text as QR code, able to lose 15 % of itself (level M). */
export function qr(text: string): Code {
  const { size, data } = encode(text, { ecc: 'M', border: QUIET });
  let path = '';
  data.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) {
      if (!row[x]) continue;
      const from = x;
      while (row[x + 1]) x += 1;
      path += `M${from} ${y}h${x - from + 1}v1h-${x - from + 1}z`;
    }
  });
  return { size, path };
}
