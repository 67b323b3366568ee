import type { Edit } from '../../ui/src/lib/api/bindings/index.ts';
import { clean } from './axe.ts';
import { color, item, items, open, region, scene, source } from './desk.ts';
import { type Klieg, expect, test } from './klieg.ts';

test.use({ onAir: false, viewport: { width: 1440, height: 900 } });

const edit = (klieg: Klieg, edit: Edit): Promise<void> => klieg.command({ command: 'edit', edit });

/** A scene of one colour. */
async function plain(klieg: Klieg, id: string, name: string, fill: string): Promise<void> {
  await edit(klieg, { edit: 'add_scene', id, name });
  await edit(klieg, {
    edit: 'add_source',
    scene: id,
    source: { id, name, audio: { gain_db: 0, muted: false, pan: 0 }, kind: 'color', settings: { color: fill } },
    item: { ...item(id, { x: 0, y: 0, width: 1280, height: 720 }), fit: 'stretch' },
  });
}

const kept = async (klieg: Klieg) => (await klieg.snapshot()).filter_presets.map(({ name, filter }) => `${filter.kind} ${name}`);

test('a filter is kept as a preset for every page, and copied to another scene', async ({ page, klieg }) => {
  await open(page, klieg);
  await source(page, 'Logo').click();
  const properties = region(page, /^Properties/);
  const filters = async (scene: string) => (await items(klieg, scene)).flatMap((one) => (one.filters ?? []).map((filter) => [filter.kind, filter.settings]));
  const more = async (entry: string): Promise<void> => {
    await properties.getByRole('button', { name: 'More about Blur' }).click();
    await page.getByRole('menu', { name: 'More about Blur' }).getByRole('menuitem', { name: new RegExp(`^${entry}`) }).click();
  };
  await properties.getByRole('button', { name: 'Add a filter here' }).click();
  await page.getByRole('menuitem', { name: 'Blur' }).first().click();
  const radius = properties.getByRole('textbox', { name: 'Radius' });
  await radius.fill('31');
  await radius.press('Enter');
  await expect.poll(() => filters('Welcome')).toEqual([['blur', { radius: 31 }]]);
  await more('Save as preset');
  await expect.poll(() => kept(klieg)).toEqual(['blur Blur']);
  await properties.getByRole('list', { name: 'Filters here' }).getByRole('button', { name: /^Blur/ }).press('Control+c');

  await scene(page, 'Starting soon').click();
  await expect(region(page, /^Sources.*Starting soon/)).toBeVisible();
  // The same item stands here: it is still chosen.
  await properties.getByRole('button', { name: 'Add a filter here' }).click();
  await page.getByRole('menuitem', { name: 'Paste the copied filter' }).click();
  await expect.poll(() => filters('Starting soon')).toEqual([['blur', { radius: 31 }]]);

  // Another page, which shares nothing with this one but the studio.
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();
  await source(page, 'Logo').click();
  await more('Reset');
  await expect.poll(() => filters('Starting soon')).not.toEqual([['blur', { radius: 31 }]]);
  await more('Apply “Blur”');
  await expect.poll(() => filters('Starting soon')).toEqual([['blur', { radius: 31 }]]);
  await more('Forget “Blur”');
  await expect.poll(() => kept(klieg)).toEqual([]);
});

test('what a browser kept of presets goes to the studio, once', async ({ page, klieg }) => {
  const old = [{ kind: 'blur', name: 'Soft', settings: { radius: 12 } }, { kind: 'gone', name: 'Lost', settings: {} }];
  await page.addInitScript((text) => {
    if (sessionStorage.getItem('brought') === null) localStorage.setItem('klieg.filter-presets', text);
    sessionStorage.setItem('brought', 'yes');
  }, JSON.stringify(old));
  await open(page, klieg);
  await expect.poll(() => kept(klieg)).toEqual(['blur Soft']);
  expect(await page.evaluate(() => localStorage.getItem('klieg.filter-presets'))).toBeNull();
});

test('a filter of a whole scene is seen on the program, bypassed, and taken back', async ({ page, klieg }) => {
  await plain(klieg, 'red', 'Red', '#d02020');
  await edit(klieg, { edit: 'switch_scene', id: 'red' });
  await open(page, klieg);
  const filters = async () => (await klieg.snapshot()).collection.scenes.find((one) => one.id === 'red')?.filters ?? [];
  /** How far its red is from its green. */
  const red = async (): Promise<number> => {
    const [r, g] = await color(page.locator('canvas.program'), [0.4, 0.4, 0.2, 0.2]);
    return r - g;
  };
  await expect.poll(red).toBeGreaterThan(120);
  await scene(page, 'Red').click({ button: 'right' });
  await page.getByRole('menu', { name: 'Red' }).getByRole('menuitem', { name: 'Transition and filters' }).click();
  const properties = region(page, /^Properties/);
  await properties.getByRole('button', { name: 'Add a filter of the whole scene' }).click();
  await page.getByRole('menuitem', { name: 'Colour correction' }).click();
  const saturation = properties.getByRole('textbox', { name: 'Saturation' });
  await saturation.fill('-1');
  await saturation.press('Enter');
  await expect.poll(red).toBeLessThan(12);
  expect(await filters()).toMatchObject([{ kind: 'color_correction', enabled: true, settings: { saturation: -1 } }]);
  // Of the scene, and of nothing in it.
  expect((await items(klieg, 'Red')).flatMap((one) => one.filters ?? [])).toEqual([]);
  expect((await klieg.snapshot()).collection.sources.find((one) => one.id === 'red')?.filters ?? []).toEqual([]);

  const row = properties.getByRole('list', { name: 'Filters of the whole scene' }).getByRole('listitem');
  await row.getByRole('button', { name: /^Bypass/ }).click();
  await expect.poll(red).toBeGreaterThan(120);
  expect((await filters())[0]?.enabled).toBe(false);
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await expect.poll(red).toBeLessThan(12);
  await row.getByRole('button', { name: /^More about/ }).click();
  await page.getByRole('menuitem', { name: /^Remove|^Delete/ }).click();
  await expect.poll(red).toBeGreaterThan(120);
  expect(await filters()).toEqual([]);
});

test('a scene comes by a transition of its own, and a mask that was chosen is seen on the program', async ({ page, klieg }) => {
  await plain(klieg, 'red', 'Red', '#d02020');
  await plain(klieg, 'blue', 'Blue', '#2030d0');
  await edit(klieg, { edit: 'switch_scene', id: 'red' });
  await open(page, klieg);
  const how = async () => (await klieg.snapshot()).collection.scenes.find((one) => one.id === 'blue')?.transition;
  await scene(page, 'Blue').click({ button: 'right' });
  await page.getByRole('menu', { name: 'Blue' }).getByRole('menuitem', { name: 'Transition and filters' }).click();
  const properties = region(page, /^Properties/);
  await properties.getByRole('checkbox', { name: 'Comes by a transition of its own' }).check();
  await expect.poll(how).toBeTruthy();
  await properties.getByLabel('Kind', { exact: true }).selectOption('luma_wipe');
  await properties.getByLabel('Mask', { exact: true }).selectOption({ label: 'Doors' });
  await expect.poll(how).toMatchObject({ kind: 'luma_wipe', settings: { path: expect.stringContaining('Doors.png') as unknown } });
  const softness = properties.getByRole('textbox', { name: 'Softness' });
  await softness.fill('0');
  await softness.press('Enter');
  await clean(page);
  expect((await klieg.snapshot()).collection.transition?.kind ?? 'cut').toBe('cut');

  await region(page, 'Transition').getByRole('checkbox', { name: 'Studio mode' }).check();
  await scene(page, 'Blue').click();
  const switcher = region(page, 'Switcher');
  await expect(switcher.getByText(/^Luma wipe/)).toBeVisible();
  // By the right button there, too.
  await region(page, 'Multiview').getByRole('button', { name: /^Blue/ }).click({ button: 'right' });
  await expect(page.getByRole('menu', { name: 'Blue' }).getByRole('menuitem', { name: 'Prepare on the preview' })).toBeDisabled();
  await page.keyboard.press('Escape');
  await klieg.command({ command: 'hold', far: 0.5 });
  // Doors open from the middle: there it is blue, red at the sides.
  const program = page.locator('canvas.feed.program');
  const isBlue = async (x: number) => {
    const [red, , blue] = await color(program, [x, 0.4, 0.03, 0.2]);
    return blue > red;
  };
  await expect.poll(() => isBlue(DOORS.open)).toBe(true);
  expect(await isBlue(DOORS.closed)).toBe(false);
  await klieg.command({ command: 'hold', far: 0 });
  await expect.poll(() => isBlue(DOORS.open)).toBe(false);

  // The other way comes as all scenes do: at once.
  await region(page, 'Program').click({ button: 'right', position: { x: 60, y: 80 } });
  await page.getByRole('menu', { name: 'Program' }).getByRole('menuitem', { name: 'Cut' }).click();
  await expect.poll(async () => (await klieg.snapshot()).collection.current).toBe('blue');
  await expect(switcher.getByText('Cut', { exact: true }).last()).toBeVisible();
  await region(page, 'Transition').getByText('Studio mode').click({ button: 'right' });
  await page.getByRole('menu', { name: 'Transition' }).getByRole('menuitemcheckbox', { name: /^Fade Mixes|^Fade\b/ }).first().click();
  await expect.poll(async () => (await klieg.snapshot()).collection.transition?.kind).toBe('fade');
});

/** Where the mask “Doors” is dark and bright, in shares of the width. */
const DOORS = { open: 0.48, closed: 0.04 };

