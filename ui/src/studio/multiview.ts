/** How the studio lays all scenes out in one picture. */

/** Up to six in a row; more in rows two and a half times as long as there are. */
export function board(scenes: number): { rows: number; columns: number } {
  const rows = scenes <= 6 ? 1 : Math.ceil(Math.sqrt((scenes * 2) / 5));
  return { rows, columns: Math.max(1, Math.ceil(scenes / rows)) };
}

/** Rows and columns in which so many scenes of this shape are largest on a screen of that one; shapes are widths over heights. */
export function grid(scenes: number, shape: number, screen: number): { rows: number; columns: number } {
  let [best, largest] = [{ rows: 1, columns: 1 }, 0];
  for (let columns = 1; columns <= scenes; columns += 1) {
    const rows = Math.ceil(scenes / columns);
    // The width of one, where the screen is one high.
    const size = Math.min(screen / columns, shape / rows);
    if (size > largest + 1e-9) [best, largest] = [{ rows, columns }, size];
  }
  return best;
}
