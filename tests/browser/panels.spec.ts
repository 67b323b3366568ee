import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import type { Edit, SourceKind } from '../../ui/src/lib/api/bindings/index.ts';
import { clean } from './axe.ts';
import { item, region, scene, source } from './desk.ts';
import { type Klieg, expect, test } from './klieg.ts';
import { display, has } from './machine.ts';

// Every panel of the studio at the sizes that people have. With KLIEG_SCREENSHOTS=DIR pictures of them go there.

const shots = process.env['KLIEG_SCREENSHOTS'];

/** Whether there is a monitor to choose from. */
const monitor = has('Xvfb');

test.use({ onAir: false, machine: monitor ? { start: () => display(800, 600) } : null });

const key = async (page: Page, pressed: string): Promise<void> => page.keyboard.press(pressed);
const escape = (page: Page): Promise<void> => key(page, 'Escape');

/** Begins with a source of this kind, as far as the dialog. */
async function adding(page: Page, kind: string): Promise<void> {
  await key(page, 'a');
  await page.getByRole('menuitem', { name: new RegExp(`^${kind}\\b`) }).first().click();
  await expect(page.getByRole('dialog')).toBeVisible();
}

/** Without settings: the studio has them by itself. */
const asItComes = (kind: SourceKind['kind']): SourceKind => ({ kind, settings: {} }) as unknown as SourceKind;

/** One source of each kind whose properties no other panel shows, in a scene of their own. */
const KINDS: readonly SourceKind[] = [
  { kind: 'camera', settings: { device: '', width: 0, height: 0, fps: 0 } },
  { kind: 'microphone', settings: { device: '' } },
  { kind: 'screen', settings: { device: '', area: { x: 80, y: 60, width: 640, height: 360 }, pointer: true } },
  { kind: 'window', settings: { device: 'Terminal|gone', area: null, pointer: false } },
  { kind: 'image', settings: { path: 'not-there.png' } },
  asItComes('gradient'),
  { kind: 'slide_show', settings: { files: ['one.png', 'two.png'], folder: '', seconds: 5, fade_ms: 500, shuffle: false, looped: true } },
  asItComes('clock'),
  asItComes('countdown'),
  asItComes('stopwatch'),
  asItComes('viewer_count'),
  asItComes('chat'),
  { kind: 'channel', settings: { channel: 'guest' } },
  { kind: 'remote', settings: { url: 'http://127.0.0.1:9/whep/stage' } },
  { kind: 'test_signal', settings: { pattern: 'motion' } },
];

/** The scene with them, an empty scene, and a group. */
async function furnish(klieg: Klieg): Promise<void> {
  const edit = (edit: Edit): Promise<void> => klieg.command({ command: 'edit', edit });
  await edit({ edit: 'add_scene', id: 'empty', name: 'Nothing yet' });
  await edit({ edit: 'add_scene', id: 'kinds', name: 'Kinds' });
  for (const [n, kind] of KINDS.entries()) {
    const source = { id: `kind-${kind.kind}`, name: `A ${kind.kind.replace('_', ' ')}`, audio: { gain_db: 0, muted: false, pan: 0 }, ...kind };
    const rect = { x: (n % 4) * 320, y: Math.floor(n / 4) * 180, width: 300, height: 160 };
    await edit({ edit: 'add_source', scene: 'kinds', source, item: item(source.id, rect) });
  }
  await edit({ edit: 'group', scene: 'kinds', items: ['kind-gradient', 'kind-test_signal'], group: 'group', item: 'group', source: 'group', name: 'A group' });
}

/** What is looked at, how it is reached, and how it is left. */
interface Look {
  readonly name: string;
  readonly open: (page: Page) => Promise<void>;
  readonly leave?: (page: Page) => Promise<void>;
}

/** What lies over all else: nothing else can be reached then. */
const OVER = 'dialog[open], [role="menu"]:popover-open';

/** Waits for the picture of a monitor. */
const pictured = (page: Page) => expect.poll(() => page.getByRole('dialog').last().locator('img').evaluate((one: HTMLImageElement) => one.naturalWidth)).toBe(800);

/** Monitors by their pictures. */
const PICTURES: readonly Look[] = [
  {
    name: 'monitors',
    open: async (page) => {
      await source(page, 'A screen').click();
      await region(page, /^Properties/).getByRole('button', { name: 'Choose by picture' }).click();
      await pictured(page);
    },
    leave: escape,
  },
  {
    name: 'region',
    open: async (page) => {
      await region(page, /^Properties/).getByRole('button', { name: 'Choose it on a picture' }).click();
      await pictured(page);
    },
    leave: escape,
  },
];

const PANELS: readonly Look[] = [
  { name: 'studio', open: async () => {} },
  { name: 'media', open: async (page) => source(page, 'Studio loop').click() },
  { name: 'text', open: async (page) => source(page, 'Lower third,').click() },
  {
    name: 'filters',
    open: async (page) => {
      await source(page, 'Logo').click();
      const properties = page.getByRole('region', { name: /^Properties/ });
      await properties.getByRole('button', { name: 'Add a filter here' }).click();
      await page.getByRole('menuitem', { name: 'Colour correction' }).click();
      await properties.getByRole('textbox', { name: 'Temperature' }).scrollIntoViewIfNeeded();
    },
  },
  { name: 'item-menu', open: async (page) => source(page, 'Logo').click({ button: 'right' }), leave: async (page) => key(page, 'Escape') },
  { name: 'collections', open: async (page) => page.getByRole('button', { name: /^Collection:/ }).click(), leave: async (page) => key(page, 'Escape') },
  { name: 'destination', open: async (page) => page.getByRole('button', { name: 'Add a destination' }).first().click(), leave: async (page) => key(page, 'Escape') },
  { name: 'stinger', open: async (page) => void (await page.getByRole('region', { name: 'Transition' }).getByLabel('Kind', { exact: true }).selectOption('stinger')) },
  { name: 'keys', open: async (page) => key(page, '?'), leave: async (page) => key(page, 'Escape') },
  { name: 'settings', open: async (page) => key(page, 'Control+,'), leave: async (page) => key(page, 'Escape') },
  { name: 'records', open: async (page) => key(page, 'g'), leave: async (page) => key(page, 'Escape') },
  { name: 'template', open: async (page) => page.getByRole('button', { name: 'Scene from a template' }).click(), leave: async (page) => key(page, 'Escape') },
  { name: 'add', open: async (page) => key(page, 'a'), leave: async (page) => key(page, 'Escape') },
  { name: 'links', open: async (page) => page.getByRole('button', { name: 'Links to hand out' }).click(), leave: async (page) => key(page, 'Escape') },
  {
    name: 'first-start',
    open: async (page) => {
      await page.getByRole('button', { name: 'Docks' }).click();
      await page.getByRole('menuitem', { name: 'First start …' }).click();
      await expect(page.getByRole('dialog').getByRole('radio', { checked: true })).toHaveCount(1, { timeout: 60_000 });
    },
    leave: async (page) => key(page, 'Escape'),
  },
  { name: 'library', open: async (page) => page.getByRole('button', { name: 'Library' }).first().click(), leave: escape },
  { name: 'guest', open: async (page) => adding(page, 'Guest'), leave: escape },
  { name: 'privacy', open: async (page) => page.getByRole('button', { name: 'Make private' }).click(), leave: escape },
  { name: 'chat-settings', open: async (page) => page.getByRole('button', { name: 'Settings of the chat' }).click(), leave: escape },
  { name: 'add-camera', open: async (page) => adding(page, 'Camera'), leave: escape },
  { name: 'add-text', open: async (page) => adding(page, 'Text'), leave: escape },
  { name: 'history', open: async (page) => page.getByRole('button', { name: 'History' }).click(), leave: escape },
  { name: 'docks', open: async (page) => page.getByRole('button', { name: 'Docks' }).click(), leave: escape },
  {
    name: 'rename-collection',
    open: async (page) => {
      await page.getByRole('button', { name: /^Collection:/ }).click();
      await page.getByRole('menuitem', { name: 'Rename…' }).click();
    },
    leave: escape,
  },
  {
    name: 'scene-transition',
    open: async (page) => {
      await scene(page, 'Test signal').click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Transition and filters' }).click();
      await region(page, /^Properties/).getByRole('checkbox', { name: 'Comes by a transition of its own' }).check();
      await region(page, /^Properties/).getByLabel('Kind', { exact: true }).selectOption('luma_wipe');
    },
  },
  {
    name: 'several',
    open: async (page) => {
      await source(page, 'Lower third bar').click();
      await source(page, 'Logo').click({ modifiers: ['Control'] });
    },
  },
  { name: 'empty-scene', open: async (page) => scene(page, 'Nothing yet').click() },
  ...KINDS.filter(({ kind }) => kind !== 'gradient' && kind !== 'test_signal').map(({ kind }, index) => ({
    name: `source-${kind}`,
    open: async (page: Page): Promise<void> => {
      if (index === 0) await scene(page, 'Kinds').click();
      await source(page, `A ${kind.replace('_', ' ')}`).click();
      await expect(region(page, /^Properties/).getByRole('textbox', { name: 'Name', exact: true })).toHaveValue(`A ${kind.replace('_', ' ')}`);
    },
  })),
  ...(monitor ? PICTURES : []),
  { name: 'group', open: async (page) => source(page, 'A group').click() },
  {
    name: 'group-open',
    open: async (page) => {
      await region(page, /^Properties/).getByRole('button', { name: 'Open the group' }).click();
      await source(page, 'A gradient').click();
    },
  },
  { name: 'source-test_signal', open: async (page) => source(page, 'A test signal').click() },
  {
    name: 'delete-scene',
    open: async (page) => {
      await key(page, 'Escape');
      await key(page, 'Escape');
      await scene(page, 'Test signal').click();
      await page.getByRole('button', { name: 'Add a source' }).click();
      await page.getByRole('menuitem', { name: /^Nothing yet/ }).click();
      await scene(page, 'Nothing yet').click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Delete' }).click();
    },
    leave: escape,
  },
  {
    name: 'studio-mode',
    open: async (page) => {
      await key(page, 'p');
      await scene(page, 'Welcome').click();
      for (const view of ['program', 'scenes']) {
        await expect.poll(async () => Number((await page.locator(`canvas.feed.${view}`).getAttribute('data-frames')) ?? 0)).toBeGreaterThan(1);
      }
      await expect.poll(async () => Number((await page.locator('canvas.program').first().getAttribute('data-frames')) ?? 0)).toBeGreaterThan(8);
    },
  },
  {
    name: 'you-are-live',
    open: async (page) => {
      await key(page, 'p');
      await page.getByRole('button', { name: 'Docks' }).click();
      await page.getByRole('menuitem', { name: 'First start …' }).click();
      const dialog = page.getByRole('dialog');
      await expect(dialog.getByRole('radio', { checked: true })).toHaveCount(1, { timeout: 60_000 });
      await dialog.getByRole('button', { name: 'Go live' }).click();
      await expect(page.getByRole('dialog', { name: 'You are live' })).toBeVisible();
    },
    leave: escape,
  },
  { name: 'on-air', open: async (page) => expect(page.getByText('ON AIR', { exact: true })).toBeVisible() },
  { name: 'end-broadcast', open: async (page) => key(page, 'Control+Enter'), leave: escape },
];

/** Those that lie over nothing and whose rules are asked here: all up to the docks; what follows shows the same parts with other fields. */
const ASKED = new Set(PANELS.slice(0, PANELS.findIndex((panel) => panel.name === 'rename-collection')).map((panel) => panel.name));

/** All sizes are for people to look at; what can be judged here is judged at the smallest. */
const SIZES: readonly (readonly [number, number])[] = [[1280, 720], ...(shots ? [[1440, 900], [2560, 1440]] as const : [])];

/** What is open most of the time, and what is opened most often: asked at the sizes at which the panels below are not. */
const USED = ['studio', 'text', 'filters', 'item-menu', 'destination', 'keys', 'settings', 'records', 'add', 'links', 'library', 'docks'];

test.describe('at larger sizes', () => {
  test.use({ viewport: { width: 1280, height: 720 } });

  test('what is used most breaks no rule in larger windows either', async ({ page, klieg }) => {
    test.setTimeout(240_000);
    await page.goto(klieg.studio);
    await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();
    for (const name of USED) {
      const panel = PANELS.find((one) => one.name === name)!;
      await panel.open(page);
      const over = page.locator(OVER);
      if (panel.leave) await expect(over.first()).toBeVisible();
      for (const [width, height] of [[1440, 900], [2560, 1440]] as const) {
        await page.setViewportSize({ width, height });
        expect(await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]), `${name} at ${width}`).toEqual([width, height]);
        await test.step(`${name} at ${width}`, () => clean(page, panel.leave ? OVER : undefined));
      }
      await panel.leave?.(page);
      if (panel.leave) await expect(over).toHaveCount(0);
      await page.setViewportSize({ width: 1280, height: 720 });
    }
  });
});

for (const [width, height] of SIZES) {
  test.describe(`${width} × ${height}`, () => {
    test.use({ viewport: { width, height } });

    test(`every panel stands in ${width} × ${height} and breaks no rule`, async ({ page, klieg }) => {
      // One look after the other: each is short, there are many.
      test.setTimeout(360_000);
      await furnish(klieg);
      await page.goto(klieg.studio);
      await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();
      await expect.poll(async () => Number((await page.locator('canvas.program').getAttribute('data-frames')) ?? 0)).toBeGreaterThan(2);
      for (const panel of PANELS) {
        await panel.open(page);
        // What is fetched first comes a moment later.
        const over = page.locator(OVER);
        if (panel.leave) await expect(over.first()).toBeVisible();
        // Nothing reaches out of the window.
        expect(await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight])).toEqual([width, height]);
        // What is read is the same at every size.
        if (width === 1280 && (panel.leave || ASKED.has(panel.name))) await clean(page, panel.leave ? OVER : undefined);
        if (shots) {
          await mkdir(shots, { recursive: true });
          await page.screenshot({ path: join(shots, `${panel.name}-${width}x${height}.png`) });
        }
        await panel.leave?.(page);
        if (panel.leave) await expect(over).toHaveCount(0);
      }
    });
  });
}
