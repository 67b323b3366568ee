/**
 * How smoothly things are moved on the picture while the program is on air: printed beside the target by
 * `cargo xtask bench`, asserted nowhere.
 */
import { expect, test } from '../klieg.ts';

const SECONDS = 8;

test.use({ viewport: { width: 1440, height: 900 } });

function row(name: string, value: string, target: string): void {
  console.log(`  ${name.padEnd(34)}${value.padStart(12)}  ${target}`);
}

/** What the page has seen since it began to look: pictures of its own, places of the box, pictures of the program. */
interface Seen {
  drawn: number;
  places: number;
  pictures: number;
  longest: number;
  seconds: number;
}

test('an item is dragged on the picture', async ({ page, klieg }) => {
  test.setTimeout(120_000);
  await page.goto(klieg.studio);
  await expect(page.locator('canvas.program')).toHaveAttribute('data-frames', /\d/);
  await page.getByRole('region', { name: /^Sources/ }).getByRole('button', { name: /^Logo/ }).click();
  const box = (await page.locator('.picture .box').boundingBox())!;
  const canvas = (await page.locator('canvas.program').boundingBox())!;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  // The page moves it itself, once for each of its pictures: nobody outside is waited for.
  const seen = await page.evaluate(
    ({ x, y, width, height, seconds }) =>
      new Promise<Seen>((resolve) => {
        const program = document.querySelector<HTMLElement>('canvas.program')!;
        const count = (): number => Number(program.dataset['frames'] ?? 0);
        const seen: Seen = { drawn: 0, places: 0, pictures: 0, longest: 0, seconds: 0 };
        const [began, first] = [performance.now(), count()];
        let [before, last] = ['', began];
        const look = (now: number): void => {
          const { left, top } = document.querySelector('.picture .box')!.getBoundingClientRect();
          if (`${left} ${top}` !== before) seen.places += 1;
          before = `${left} ${top}`;
          seen.drawn += 1;
          seen.longest = Math.max(seen.longest, now - last);
          last = now;
          if (now - began > seconds * 1000) {
            resolve({ ...seen, pictures: count() - first, seconds: (now - began) / 1000 });
            return;
          }
          const angle = (now - began) / 500;
          const [clientX, clientY] = [x + width * 0.3 * (1 - Math.cos(angle)), y + height * 0.3 * (1 + Math.sin(angle))];
          document.elementFromPoint(clientX, clientY)!.dispatchEvent(new PointerEvent('pointermove', { pointerId: 1, clientX, clientY, bubbles: true, buttons: 1 }));
          requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      }),
    { x, y, width: canvas.width, height: canvas.height, seconds: SECONDS },
  );
  const { drawn, places, pictures, longest, seconds } = seen;
  await page.mouse.up();
  const moved = (await klieg.snapshot()).undo.past[0];
  row('dragging: pictures of the page', `${(drawn / seconds).toFixed(1)}/s`, 'at least 30');
  row('… places of what is dragged', `${(places / seconds).toFixed(1)}/s`, 'at least 30');
  row('… the longest wait for one', `${longest.toFixed(0)} ms`, '');
  row('… pictures of the program in it', `${(pictures / seconds).toFixed(1)}/s`, '30');
  expect(moved).toContain('Move item');
});
