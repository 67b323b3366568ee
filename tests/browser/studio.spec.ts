import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { expect, test } from './klieg.ts';

test.use({ onAir: false, viewport: { width: 1440, height: 900 } });

const frames = async (page: Page): Promise<number> => Number((await page.locator('canvas.program').getAttribute('data-frames')) ?? 0);
const scene = (page: Page, name: string) => page.getByRole('region', { name: 'Scenes' }).getByRole('button', { name: new RegExp(`^${name}`) });
const source = (page: Page, name: string) => page.getByRole('region', { name: /^Sources/ }).getByRole('button', { name: new RegExp(`^${name}`) });

async function open(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await expect(page.getByRole('button', { name: 'Go live' }).or(page.getByRole('button', { name: 'End broadcast' }))).toBeEnabled();
}

test('the picture moves, and the control token leaves the address', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  await expect.poll(() => frames(page)).toBeGreaterThan(5);
  const before = await frames(page);
  await expect.poll(() => frames(page)).toBeGreaterThan(before + 10);
  expect(page.url()).not.toContain(klieg.ready.control_token);
});

test('scenes switch by click and by number key', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  await scene(page, 'Test signal').click();
  await expect.poll(async () => (await klieg.snapshot()).collection.current).toBe('test');
  await expect(scene(page, 'Test signal')).toHaveAttribute('aria-current', 'true');
  await page.keyboard.press('1');
  await expect.poll(async () => (await klieg.snapshot()).collection.current).toBe('welcome');
});

test('a strip is muted and its fader moved by keys', async ({ page, klieg }) => {
  await klieg.testSignal();
  await open(page, klieg.studio);
  const audio = async () => (await klieg.snapshot()).collection.sources.find((one) => one.id === 'bars')?.audio;
  const mute = page.getByRole('button', { name: 'Mute Test signal' });
  await mute.click();
  await expect.poll(async () => (await audio())?.muted).toBe(true);
  await expect(mute).toHaveAttribute('aria-pressed', 'true');
  await mute.click();
  await expect.poll(async () => (await audio())?.muted).toBe(false);
  const fader = page.getByRole('slider', { name: 'Fader of Test signal' });
  await fader.press('PageDown');
  await expect.poll(async () => (await audio())?.gain_db).toBe(-12);
  await expect(fader).toHaveAttribute('aria-valuetext', '−12.0 dB');
  await fader.dblclick();
  await expect.poll(async () => (await audio())?.gain_db).toBe(0);
});

test('the broadcast begins, is timed, and ends after one question', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  await page.getByRole('button', { name: 'Go live' }).click();
  await expect(page.getByText('ON AIR', { exact: true })).toBeVisible();
  await expect.poll(async () => (await klieg.channels()).map((one) => one.name)).toContain('program');
  await expect(page.getByText(/00:00:0[1-9]/)).toBeVisible();
  await page.getByRole('button', { name: 'End broadcast' }).click();
  const question = page.getByRole('dialog', { name: 'End the broadcast?' });
  await page.keyboard.press('Escape');
  await expect(question).toHaveCount(0);
  await expect(page.getByText('ON AIR', { exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'End broadcast' }).click();
  await question.getByRole('button', { name: 'End broadcast' }).click();
  await expect(page.getByRole('button', { name: 'Go live' })).toBeVisible();
  await expect.poll(async () => (await klieg.channels()).filter((one) => one.state === 'live')).toEqual([]);
});

test('a property is edited, undone, made again, and is there after a reload and a restart', async ({ page, klieg, running }) => {
  const rect = async () => {
    const { collection } = await running.klieg.snapshot();
    return collection.scenes.find((one) => one.id === 'welcome')?.items.find((one) => one.id === 'logo')?.rect;
  };
  await open(page, klieg.studio);
  await source(page, 'Logo').click();
  const x = page.getByRole('textbox', { name: 'X position' });
  await expect(x).toHaveValue('40');
  await x.fill('123');
  await x.press('Enter');
  await expect.poll(async () => (await rect())?.x).toBe(123);
  await x.press('Shift+ArrowUp');
  await expect.poll(async () => (await rect())?.x).toBe(133);
  await x.press('Escape');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(async () => (await rect())?.x).not.toBe(133);
  await page.getByRole('button', { name: 'Redo' }).click();
  await expect.poll(async () => (await rect())?.x).toBe(133);

  await page.reload();
  await source(page, 'Logo').click();
  await expect(x).toHaveValue('133');

  running.klieg = await klieg.restart({ onAir: false });
  await expect.poll(async () => (await rect())?.x).toBe(133);
});

test('a source is dragged on the picture', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  await expect.poll(() => frames(page)).toBeGreaterThan(1);
  await source(page, 'Logo').click();
  const box = (await page.locator('.picture .box').boundingBox())!;
  const from = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x + 60, from.y + 60, { steps: 6 });
  await page.mouse.up();
  const moved = async () => (await klieg.snapshot()).collection.scenes[0]?.items.find((one) => one.id === 'logo')?.rect;
  await expect.poll(async () => (await moved())?.x).toBeGreaterThan(90);
  expect((await moved())?.width).toBe(220);
});

test('the order is changed by dragging a row and by keys, and a drag of a fader is undone as one', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  const order = async () => (await klieg.snapshot()).collection.scenes[0]?.items.map((one) => one.id);
  const before = (await order())!;
  const rows = page.getByRole('region', { name: /^Sources/ }).locator('[data-item]');
  const [top, bottom] = [(await rows.first().boundingBox())!, (await rows.last().boundingBox())!];
  await page.mouse.move(bottom.x + 40, bottom.y + bottom.height / 2);
  await page.mouse.down();
  await page.mouse.move(top.x + 40, top.y + 2, { steps: 8 });
  await page.mouse.up();
  await expect.poll(order).toEqual([...before.slice(1), before[0]]);
  await rows.first().press('Alt+ArrowDown');
  await expect.poll(order).toEqual([...before.slice(1, -1), before[0], before.at(-1)]);

  const gain = async () => (await klieg.snapshot()).collection.sources.find((one) => one.id === 'loop')?.audio.gain_db;
  const from = await gain();
  const fader = (await page.getByRole('slider', { name: 'Fader of Studio loop' }).boundingBox())!;
  await page.mouse.move(fader.x + 13, fader.y + 30);
  await page.mouse.down();
  await page.mouse.move(fader.x + 13, fader.y + fader.height - 30, { steps: 12 });
  await page.mouse.up();
  await expect.poll(gain).toBeLessThan(-12);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(gain).toBe(from);
});

test('sources and scenes are added, renamed, hidden, removed, and brought back', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  await page.getByRole('button', { name: 'Add a scene' }).click();
  await page.getByRole('textbox', { name: 'Name of the scene' }).fill('Interview');
  await page.keyboard.press('Enter');
  await scene(page, 'Interview').click();
  await expect(page.getByText('This scene is empty.', { exact: false })).toBeVisible();

  await page.keyboard.press('a');
  await page.getByRole('menuitem', { name: /^Colour/ }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('Curtain');
  await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
  const items = async () => (await klieg.snapshot()).collection.scenes.find((one) => one.name === 'Interview')?.items;
  await expect.poll(async () => (await items())?.length).toBe(1);

  await page.getByRole('button', { name: 'Hide Curtain' }).click();
  await expect.poll(async () => (await items())?.[0]?.visible).toBe(false);
  await source(page, 'Curtain').press('F2');
  await page.getByRole('textbox', { name: 'Name of the source' }).fill('Velvet');
  await page.keyboard.press('Enter');
  await expect(source(page, 'Velvet')).toBeVisible();
  await source(page, 'Velvet').press('Delete');
  await expect.poll(async () => (await items())?.length).toBe(0);
  await page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
  await expect.poll(async () => (await items())?.length).toBe(1);
});

test('a destination is added with its key, which never comes back', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  await page.getByRole('button', { name: 'Add a destination' }).first().click();
  const form = page.getByRole('dialog', { name: 'Add a destination' });
  await form.getByRole('combobox', { name: 'Where' }).selectOption('Another RTMP server');
  await form.getByRole('textbox', { name: 'Name' }).fill('Hall');
  await form.getByRole('textbox', { name: 'Address' }).fill('http://127.0.0.1:9/app');
  await form.getByLabel('Stream key').fill('sesame');
  await form.getByRole('button', { name: 'Add' }).click();
  await expect(form.getByRole('alert')).toContainText('rtmp://');
  await form.getByRole('textbox', { name: 'Address' }).fill('rtmp://127.0.0.1:9/app');
  await form.getByRole('button', { name: 'Add' }).click();
  await expect(form).toHaveCount(0);
  await expect(page.getByRole('switch', { name: /^Hall/ })).toBeVisible();
  const snapshot = await klieg.snapshot();
  expect(snapshot.destinations[0]).toMatchObject({ name: 'Hall', has_secret: true });
  expect(JSON.stringify(snapshot)).not.toContain('sesame');
});

test('the host reads and answers in the studio', async ({ page, browser, klieg }) => {
  await klieg.command({ command: 'say', channel: 'program', text: 'before the page was opened' });
  await open(page, klieg.studio);
  const log = page.getByRole('log', { name: 'Chat messages' });
  await expect(log).toContainText('before the page was opened');
  const viewer = await browser.newPage();
  await viewer.goto(`${klieg.http}/watch/program`);
  await viewer.getByRole('textbox', { name: 'Your name in the chat' }).fill('ana');
  await viewer.keyboard.press('Enter');
  await viewer.getByRole('textbox', { name: 'Your message' }).fill('hello studio');
  await viewer.keyboard.press('Enter');
  await expect(log).toContainText('ana hello studio');
  await page.getByRole('textbox', { name: 'Your message as the host' }).fill('welcome, ana');
  await page.keyboard.press('Enter');
  await expect(viewer.getByRole('log')).toContainText('welcome, ana');
});

test('the title that viewers read is changed in place', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  const title = page.getByRole('textbox', { name: 'Title that viewers read' });
  await title.fill('Evening Show');
  await title.press('Enter');
  await expect.poll(async () => (await klieg.snapshot()).title).toBe('Evening Show');
});

test('a wrong token meets a door that says what to do', async ({ page, klieg }) => {
  await page.goto(`${klieg.http}/studio#token=wrong`);
  await expect(page.getByRole('heading', { name: 'This control link is not valid any more' })).toBeVisible();
  await page.getByLabel('Control link or token').fill(`${klieg.http}/studio#token=%zz`);
  await page.getByRole('button', { name: 'Open the studio' }).click();
  await expect(page.getByRole('alert')).toHaveText(/That is no control link/);
  await clean(page);
  await page.screenshot({ path: test.info().outputPath('door.png') });
  await page.getByLabel('Control link or token').fill(klieg.studio);
  await page.getByRole('button', { name: 'Open the studio' }).click();
  await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();
});

test('a link to publish is made, shown as a stream key, and taken back after two presses', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  await page.getByRole('button', { name: 'Links to hand out' }).click();
  const dialog = page.getByRole('dialog', { name: 'Links to hand out' });
  await expect(dialog).toContainText('No link is out');
  await dialog.getByRole('button', { name: 'Make the link' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Give it a name');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Back camera');
  await dialog.getByRole('textbox', { name: 'Channel' }).fill('back');
  await dialog.getByRole('combobox', { name: 'Ends after' }).selectOption('1 day');
  await dialog.getByRole('textbox', { name: 'Name' }).press('Enter');
  await expect(dialog.locator('li').first()).toContainText(/Back camera.*publish · back · until/);
  const link = (await klieg.snapshot()).access[0]!;
  await dialog.getByRole('button', { name: 'Show “Back camera”' }).click();
  await expect(dialog.getByLabel('Address')).toHaveValue(link.url);
  await expect(dialog.getByLabel('Stream key')).toHaveValue(`back?key=${link.secret}`);
  const first = dialog.getByRole('group', { name: 'First time on this device?' });
  await expect(first.getByRole('link')).toHaveAttribute('href', `${klieg.http}/trust`);
  await clean(page);
  await page.screenshot({ path: test.info().outputPath('links-1280.png') });
  await page.setViewportSize({ width: 360, height: 740 });
  await clean(page);
  await first.scrollIntoViewIfNeeded();
  await page.screenshot({ path: test.info().outputPath('links-360.png') });
  await page.setViewportSize({ width: 1280, height: 800 });

  const other = dialog.getByRole('button', { name: 'A new secret for “Back camera”' });
  await other.click();
  await expect(dialog.getByRole('status')).toContainText('Press again');
  expect((await klieg.snapshot()).access[0]?.secret).toBe(link.secret);
  await other.click();
  await expect.poll(async () => (await klieg.snapshot()).access[0]?.secret).not.toBe(link.secret);
  const gone = dialog.getByRole('button', { name: 'Take “Back camera” back' });
  await gone.click();
  await gone.click();
  await expect(dialog).toContainText('No link is out');
});

test('nothing is to be trusted first where the host brought a certificate, nor to watch', async ({ page, klieg }) => {
  let own = true;
  await page.route('**/api/trust', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...((await response.json()) as object), own } });
  });
  for (const kind of ['publish', 'watch'] as const) await klieg.command({ command: 'create_link', link: { kind, name: `To ${kind}`, channel: 'back' } });
  const dialog = page.getByRole('dialog', { name: 'Links to hand out' });
  const first = dialog.getByRole('group', { name: 'First time on this device?' });
  const show = async (name: string): Promise<void> => {
    const told = page.waitForResponse('**/api/trust');
    await dialog.getByRole('button', { name: `Show “${name}”` }).click();
    await told;
    await expect(dialog.getByLabel('Address')).toBeVisible();
  };
  await open(page, klieg.studio);
  await page.getByRole('button', { name: 'Links to hand out' }).click();
  await show('To publish');
  await expect(first).toHaveCount(0);
  own = false;
  await show('To watch');
  await expect(first).toHaveCount(0);
  await show('To publish');
  await expect(first).toBeVisible();
});

test('the right button and the menu key offer what the bars, the link and the links handed out have', async ({ page, klieg }) => {
  await klieg.command({ command: 'create_link', link: { kind: 'publish', name: 'Back camera', channel: 'back' } });
  await open(page, klieg.studio);
  const menu = (name: string) => page.getByRole('menu', { name, exact: true });
  const choose = (name: string, entry: string) => menu(name).getByRole('menuitem', { name: entry }).click();

  // The bar above: all of it, its history, and buttons with a menu of their own.
  await page.locator('.pill.watching').click({ button: 'right' });
  await clean(page, '[role="menu"]:popover-open');
  await choose('Studio', 'Settings');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.getByRole('button', { name: 'Library' }).first().focus();
  await page.keyboard.press('Shift+F10');
  await expect(menu('Studio').getByRole('menuitem', { name: 'Go live' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'History' }).click({ button: 'right' });
  await expect(menu('History').getByRole('menuitemcheckbox', { name: 'As it was opened' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Collection:/ }).click({ button: 'right' });
  await expect(page.getByRole('menu', { name: /^Collection:/ }).getByRole('menuitem', { name: 'Rename…' })).toBeVisible();
  await page.keyboard.press('Escape');

  // The bar below.
  await page.getByRole('contentinfo', { name: 'Figures' }).getByText(/^CPU/).click({ button: 'right' });
  await choose('Figures', 'Who did what');
  await expect(page.getByRole('tab', { name: 'Who did what' })).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);

  // The link for viewers, and links that are out: in their dialog.
  await page.getByRole('button', { name: 'Copy link', exact: true }).click({ button: 'right' });
  await choose('Link for viewers', 'Make private…');
  await expect(page.getByRole('dialog', { name: 'Who may watch' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Make private' }).focus();
  await page.keyboard.press('Shift+F10');
  await choose('Link for viewers', 'Links to hand out…');
  const dialog = page.getByRole('dialog', { name: 'Links to hand out' });
  await dialog.getByText('Back camera', { exact: true }).click({ button: 'right' });
  await choose('Back camera', 'Show as a picture and in letters');
  await expect(dialog.getByLabel('Stream key')).toBeVisible();
  await dialog.getByRole('button', { name: 'Take “Back camera” back' }).focus();
  await page.keyboard.press('Shift+F10');
  await choose('Back camera', 'Take it back…');
  await expect(dialog.getByRole('status')).toContainText('Press again');
  expect((await klieg.snapshot()).access).toHaveLength(1);
  await dialog.getByText('Back camera', { exact: true }).click({ button: 'right' });
  await choose('Back camera', 'Take it back…');
  await expect.poll(async () => (await klieg.snapshot()).access).toEqual([]);
});

test.describe('with publishers held', () => {
  test.use({ settings: ['ingest.policy=approve'] });

  test('the host lets somebody in, and ends it', async ({ page, browser, klieg }) => {
    await open(page, klieg.studio);
    const phone = await browser.newPage();
    await phone.goto(klieg.http);
    await phone.evaluate(() => {
      const socket = new WebSocket('/ws?streamKey=phone');
      socket.addEventListener('close', (event) => (document.title = event.reason));
    });
    const row = page.getByRole('listitem').filter({ hasText: 'phone' });
    await expect(row).toContainText('wants to go live');
    expect(await klieg.channels()).toHaveLength(1);
    await row.getByText('phone', { exact: true }).click({ button: 'right' });
    await expect(page.getByRole('menu', { name: 'phone' }).getByRole('menuitem')).toHaveText(['Let in', 'Refuse']);
    await page.keyboard.press('Escape');
    await row.getByRole('button', { name: 'Let phone in' }).click();
    await expect(row).toContainText('live for');
    expect((await klieg.channels()).map((channel) => channel.name)).toContain('phone');
    await row.getByRole('button', { name: 'End phone' }).click();
    await page.getByRole('button', { name: 'End this channel' }).click();
    await expect(row).toHaveCount(0);
    await expect.poll(() => phone.title()).toContain('host ended');
  });
});
