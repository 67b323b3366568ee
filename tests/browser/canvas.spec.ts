import { readFile } from 'node:fs/promises';
import type { Item } from '../../ui/src/lib/api/bindings/index.ts';
import { clean } from './axe.ts';
import { at, drag, items, open, option, source } from './desk.ts';
import { type Klieg, expect, test } from './klieg.ts';

test.use({ onAir: false, viewport: { width: 1440, height: 900 } });

const item = async (klieg: Klieg, id: string): Promise<Item> => (await items(klieg)).find((one) => one.id === id)!;
const steps = async (klieg: Klieg): Promise<string[]> => (await klieg.snapshot()).undo.past;

test('items are moved, resized, turned and cropped by the mouse, each as one step', async ({ page, klieg }) => {
  await open(page, klieg);
  await source(page, 'Logo').click();
  // The logo's box is 220 × 56 at 40, 32.
  await drag(page, [150, 60], [450, 260]);
  await expect.poll(async () => (await item(klieg, 'logo')).rect.x).toBeGreaterThan(300);
  const moved = (await item(klieg, 'logo')).rect;
  await drag(page, [moved.x + 220, moved.y + 56], [moved.x + 440, moved.y + 112], ['Control']);
  await expect.poll(async () => Math.round((await item(klieg, 'logo')).rect.width / 10)).toBe(44);
  const large = (await item(klieg, 'logo')).rect;
  expect(large.width / large.height).toBeCloseTo(220 / 56, 1);

  const stem = (await page.locator('[data-turn]').boundingBox())!;
  const centre = await at(page, large.x + large.width / 2, large.y + large.height / 2);
  await page.mouse.move(stem.x + stem.width / 2, stem.y + stem.height / 2);
  await page.keyboard.down('Shift');
  await page.mouse.down();
  await page.mouse.move(centre.x + 200, centre.y + 3, { steps: 6 });
  await page.mouse.up();
  await page.keyboard.up('Shift');
  await expect.poll(async () => (await item(klieg, 'logo')).rotation).toBe(90);
  await page.keyboard.press('Control+z');
  await expect.poll(async () => (await item(klieg, 'logo')).rotation).toBe(0);

  await drag(page, [large.x + large.width, large.y + large.height / 2], [large.x + large.width * 0.75, large.y + large.height / 2], ['Alt']);
  await expect.poll(async () => (await item(klieg, 'logo')).crop.right).toBeGreaterThan(50);
  expect(await steps(klieg)).toEqual(['Crop item “Logo”', 'Resize item “Logo”', 'Move item “Logo”']);
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+z');
  await expect.poll(async () => (await item(klieg, 'logo')).rect).toMatchObject({ x: 40, y: 32, width: 220 });
});

test('several are chosen by a frame, lined up, grouped, changed in their group, and taken apart', async ({ page, klieg }) => {
  await open(page, klieg);
  // The film below everything would be what is dragged.
  await source(page, 'Studio loop').click();
  await page.keyboard.press('l');
  await expect.poll(async () => (await item(klieg, 'loop')).locked).toBe(true);
  await page.keyboard.press('Escape');
  await drag(page, [30, 500], [700, 700]);
  await expect(page.locator('.picture .box')).toHaveCount(3);
  await page.keyboard.press('Alt+a');
  await expect.poll(async () => (await item(klieg, 'title')).rect.x).toBe(64);
  await page.keyboard.press('Control+g');
  await expect.poll(async () => (await items(klieg)).length).toBe(3);
  await expect(source(page, 'Group')).toBeVisible();
  expect((await klieg.snapshot()).collection.scenes.find((one) => one.group)?.items.length).toBe(3);

  const middle = await at(page, 300, 580);
  await page.mouse.dblclick(middle.x, middle.y);
  await expect(page.getByRole('navigation', { name: 'The group that is open' })).toBeVisible();
  await source(page, 'Lower third, second line').click();
  await option(page, 'Lower third, second line').press('Shift+ArrowDown');
  await option(page, 'Lower third, second line').press('Shift+ArrowDown');
  await option(page, 'Lower third, second line').press('Shift+ArrowDown');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('navigation', { name: 'The group that is open' })).toHaveCount(0);
  // Nothing moves when it grows: its upper edge stays where it was.
  await expect.poll(async () => (await items(klieg)).find((one) => one.fit === 'stretch' && one.id.startsWith('item'))?.rect.y).toBe(544);

  // Whoever leaves a group has it chosen.
  await page.keyboard.press('Control+Shift+g');
  await expect.poll(async () => (await items(klieg)).length).toBe(5);
  expect((await item(klieg, 'subtitle')).rect.y).toBe(644);
});

test('all of it goes by keyboard, and is heard', async ({ page, klieg }) => {
  await open(page, klieg);
  await option(page, 'Logo').focus();
  await expect(option(page, 'Logo')).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Shift+ArrowDown');
  await expect.poll(async () => (await item(klieg, 'logo')).rect).toMatchObject({ x: 41, y: 42 });
  await expect(page.getByText('41, 42', { exact: true })).toBeAttached();
  await page.keyboard.press('Alt+ArrowRight');
  await expect.poll(async () => (await item(klieg, 'logo')).rect.width).toBe(221);
  await page.keyboard.press('Shift+H');
  await expect.poll(async () => (await item(klieg, 'logo')).flip_h).toBe(true);
  await page.keyboard.press('r');
  await expect.poll(async () => (await item(klieg, 'logo')).rotation).toBe(90);
  await page.keyboard.press('Alt+0');
  await expect.poll(async () => await item(klieg, 'logo')).toMatchObject({ rotation: 0, flip_h: false, rect: { x: 0, width: 1280 } });
  await page.keyboard.press('Control+End');
  await expect.poll(async () => (await items(klieg))[0]?.id).toBe('logo');

  await page.keyboard.press('Control+c');
  await page.keyboard.press('2');
  await expect.poll(async () => (await klieg.snapshot()).collection.current).toBe('test');
  await page.keyboard.press('Control+v');
  await expect.poll(async () => (await items(klieg, 'Test signal')).map((one) => one.source)).toEqual(['bars', 'logo']);
  await page.keyboard.press('Control+Shift+V');
  await expect.poll(async () => (await klieg.snapshot()).collection.sources.map((one) => one.name)).toContain('Logo 2');
  await page.keyboard.press('Delete');
  await expect.poll(async () => (await items(klieg, 'Test signal')).length).toBe(2);
});

test('the right button says all that can be done, and history goes to any step', async ({ page, klieg }) => {
  await open(page, klieg);
  const logo = await at(page, 150, 60);
  await page.mouse.click(logo.x, logo.y, { button: 'right' });
  const menu = page.getByRole('menu', { name: 'Chosen items' });
  await expect(menu).toBeVisible();
  await clean(page);
  await menu.getByRole('menuitem', { name: 'Align' }).press('ArrowRight');
  await page.getByRole('menuitem', { name: 'Align right' }).click();
  await expect.poll(async () => (await item(klieg, 'logo')).rect.x).toBe(1060);
  await page.keyboard.press('f');
  await page.keyboard.press('h');
  await expect.poll(async () => await steps(klieg)).toEqual(['Hide item “Logo”', 'Fit to canvas “Logo”', 'Align right “Logo”']);
  await expect(page.getByRole('button', { name: 'Undo', exact: true })).toHaveAttribute('title', 'Undo hide item “Logo” (Ctrl+Z)');
  await page.getByRole('button', { name: 'History' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'As it was opened' }).click();
  await expect.poll(async () => (await item(klieg, 'logo')).rect.x).toBe(40);
  await page.getByRole('button', { name: 'History' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Fit to canvas' }).click();
  await expect.poll(async () => await item(klieg, 'logo')).toMatchObject({ visible: true, rect: { x: 0 } });

  // And on what is heard.
  await page.getByRole('group', { name: 'Studio loop, sound' }).click({ button: 'right', position: { x: 8, y: 8 } });
  await page.getByRole('menu', { name: 'Studio loop' }).getByRole('menuitem', { name: 'Mute' }).click();
  await expect.poll(async () => (await klieg.snapshot()).collection.sources.find((one) => one.id === 'loop')?.audio.muted).toBe(true);

  // A scene in a scene, and never around.
  await klieg.testSignal();
  await page.getByRole('button', { name: 'Add a source' }).click();
  await page.getByRole('menuitem', { name: /^Welcome/ }).click();
  await expect.poll(async () => (await items(klieg, 'Test signal')).length).toBe(2);
  await klieg.command({ command: 'edit', edit: { edit: 'switch_scene', id: 'welcome' } });
  await expect(page.getByRole('region', { name: /^Sources.*Welcome/ })).toBeVisible();
  await page.getByRole('button', { name: 'Add a source' }).click();
  await expect(page.getByRole('menuitem', { name: /^Starting soon.*This scene/ })).toBeVisible();
  await expect(page.getByRole('menuitem', { name: /^Test signal.*This scene/ })).toHaveCount(0);
});

test('what is locked stays, says so by its name, and is unlocked there', async ({ page, klieg }) => {
  await open(page, klieg);
  const before = await items(klieg);
  const held = page.locator('.toast').filter({ hasText: '“Logo” is locked; unlock it first.' });
  const refused = async (what: () => Promise<void>): Promise<void> => {
    await what();
    await expect(held).toHaveCount(1);
    await held.getByRole('button', { name: 'Put away' }).click();
    await expect(held).toHaveCount(0);
  };
  await page.getByRole('button', { name: 'Lock Logo' }).click();
  await expect.poll(async () => (await item(klieg, 'logo')).locked).toBe(true);
  await source(page, 'Logo').click();
  for (const pressed of ['Delete', 'Control+x', 'Control+g', 'Control+End', 'f']) await refused(() => page.keyboard.press(pressed));
  // In the list, on the picture, and among several.
  await refused(() => source(page, 'Logo').press('Alt+ArrowDown'));
  await refused(() => option(page, 'Logo').press('Shift+ArrowRight'));
  await refused(() => drag(page, [150, 60], [450, 260]));
  await source(page, 'Lower third bar').click({ modifiers: ['Control'] });
  await refused(() => page.keyboard.press('Delete'));
  expect(await items(klieg)).toEqual(before.map((one) => (one.id === 'logo' ? { ...one, locked: true } : one)));
  expect(await steps(klieg)).toEqual(['Lock item “Logo”']);

  // Whoever comes by the interface is told the same.
  const scene = (await klieg.snapshot()).collection.scenes.find((one) => one.name === 'Welcome')!.id;
  const asked = klieg.command({ command: 'edit', edit: { edit: 'remove_item', scene, id: 'logo' } });
  await expect(asked).rejects.toThrow(/"Logo\\" is locked; unlock it first/);

  await source(page, 'Logo').click();
  await page.keyboard.press('Delete');
  await held.getByRole('button', { name: 'Unlock' }).click();
  await expect.poll(async () => (await item(klieg, 'logo')).locked).toBe(false);
  await page.keyboard.press('Delete');
  await expect.poll(async () => (await items(klieg)).length).toBe(before.length - 1);
});

test('numbers move several at once, and keys are changed with their conflicts shown', async ({ page, klieg }) => {
  await open(page, klieg);
  await source(page, 'Lower third bar').click();
  await source(page, 'Logo').click({ modifiers: ['Control'] });
  const x = page.getByRole('textbox', { name: 'X position' });
  await expect(x).toHaveValue('40');
  await x.fill('140');
  await x.press('Enter');
  await expect.poll(async () => [(await item(klieg, 'logo')).rect.x, (await item(klieg, 'bar')).rect.x]).toEqual([140, 164]);
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await expect.poll(async () => (await item(klieg, 'bar')).rect.x).toBe(64);

  await page.getByRole('button', { name: 'Keys', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Keys' });
  await clean(page);
  await dialog.getByRole('button', { name: /^Group: Ctrl\+G/ }).click();
  await page.keyboard.press('h');
  await expect(dialog.getByRole('alert')).toContainText('is “Hide or show” already');
  await dialog.getByRole('button', { name: 'Give it' }).click();
  await expect(dialog.getByRole('button', { name: /^Hide or show: no key/ })).toBeVisible();
  await page.keyboard.press('Escape');
  // They are the studio's, not this browser's.
  await expect.poll(async () => (await klieg.snapshot()).keys.own).toEqual({ group: 'H', visible: '' });
  await page.evaluate(() => localStorage.clear());
  await open(page, klieg);
  await source(page, 'Logo').click();
  await page.keyboard.press('h');
  await expect.poll(async () => (await klieg.snapshot()).collection.scenes.some((one) => one.group)).toBe(true);
});

test('collections are made, copied, renamed, switched, exported, imported and deleted', async ({ page, klieg }) => {
  await open(page, klieg);
  const names = async () => (await klieg.snapshot()).collections.map((one) => `${one.open ? '*' : ''}${one.name}`);
  const first = (await klieg.snapshot()).collection.name;
  const choose = async (entry: string): Promise<void> => {
    await page.getByRole('button', { name: /^Collection:/ }).click();
    await page.getByRole('menu', { name: /^Collection:/ }).getByRole(/…$/.test(entry) ? 'menuitem' : 'menuitemcheckbox', { name: entry }).click();
  };
  const name = async (title: string, text: string, yes: string): Promise<void> => {
    const dialog = page.getByRole('dialog', { name: title });
    await dialog.getByRole('textbox', { name: 'Name' }).fill(text);
    await dialog.getByRole('button', { name: yes }).click();
  };
  await choose('Duplicate…');
  await name('Duplicate collection', 'Second', 'Duplicate');
  await expect.poll(names).toEqual(['*Second']);
  expect((await klieg.snapshot()).sources.filter((one) => one.state === 'failed')).toEqual([]);
  await choose('New…');
  await name('New collection', 'Empty', 'Make it');
  await expect.poll(names).toEqual(['*Empty', 'Second']);
  expect((await klieg.snapshot()).collection.scenes.map((one) => one.items.length)).toEqual([0]);
  await choose('Rename…');
  await name('Rename collection', 'Blank', 'Rename');
  await expect.poll(names).toEqual(['*Blank', 'Second']);
  await choose('Second');
  await expect.poll(async () => (await klieg.snapshot()).collection.name).toBe('Second');

  const download = page.waitForEvent('download');
  await choose('Export…');
  const file = await (await download).path();
  await page.getByLabel('Collection to import').setInputFiles({ name: 'Second.json', mimeType: 'application/json', buffer: await readFile(file) });
  await expect.poll(async () => (await names()).length).toBe(3);
  await choose('Delete…');
  await page.getByRole('dialog', { name: 'Delete a collection' }).getByRole('button', { name: /Blank|Empty/ }).click();
  await page.getByRole('dialog', { name: /^Delete “/ }).getByRole('button', { name: 'Delete collection' }).click();
  await expect.poll(names).toEqual(['Second', '*Second']);
  expect(first).not.toBe('Second');
});
