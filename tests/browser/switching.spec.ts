import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { expect, test } from './klieg.ts';

test.use({ onAir: false, viewport: { width: 1440, height: 900 } });

const region = (page: Page, name: string | RegExp) => page.getByRole('region', { name });
const scene = (page: Page, name: string) => region(page, 'Scenes').getByRole('button', { name: new RegExp(`^${name}`) });

async function open(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();
}

test('filters are added, changed by keys, moved, bypassed, pasted elsewhere and removed', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  const logo = async () => (await klieg.snapshot()).collection.scenes.find((one) => one.id === 'welcome')?.items.find((one) => one.id === 'logo');
  await region(page, /^Sources/).getByRole('button', { name: /^Logo/ }).click();
  const properties = region(page, /^Properties/);
  const add = async (name: string): Promise<void> => {
    await properties.getByRole('button', { name: 'Add a filter here' }).click();
    await page.getByRole('menuitem', { name }).first().click();
  };
  await add('Blur');
  await expect.poll(async () => (await logo())?.filters?.map((one) => one.kind)).toEqual(['blur']);
  const radius = properties.getByRole('textbox', { name: 'Radius' });
  await radius.press('ArrowUp');
  await expect.poll(async () => (await logo())?.filters?.[0]?.settings).toEqual({ radius: 9 });
  await add('Border');
  const here = properties.getByRole('list', { name: 'Filters here' });
  await here.getByRole('button', { name: /^Border/ }).press('Alt+ArrowUp');
  await expect.poll(async () => (await logo())?.filters?.map((one) => one.kind)).toEqual(['border', 'blur']);
  await here.getByRole('button', { name: 'Bypass Blur' }).click();
  await expect.poll(async () => (await logo())?.filters?.[1]?.enabled).toBe(false);
  await here.getByRole('button', { name: /^Border/ }).press('Control+c');
  await properties.getByRole('button', { name: 'Add a filter wherever it is shown' }).click();
  await page.getByRole('menuitem', { name: 'Paste the copied filter' }).click();
  const source = async () => (await klieg.snapshot()).collection.sources.find((one) => one.id === 'logo')?.filters?.map((one) => one.kind);
  await expect.poll(source).toEqual(['border']);
  await properties.getByLabel('Blend', { exact: true }).selectOption('screen');
  await expect.poll(async () => (await logo())?.blend).toBe('screen');
  await clean(page);
  await here.getByRole('button', { name: /^Border/ }).click({ button: 'right' });
  await page.getByRole('menu', { name: 'Border' }).getByRole('menuitem', { name: 'Move down' }).click();
  await expect.poll(async () => (await logo())?.filters?.map((one) => one.kind)).toEqual(['blur', 'border']);
  await here.getByRole('button', { name: /^Border/ }).press('Delete');
  await expect.poll(async () => (await logo())?.filters?.map((one) => one.kind)).toEqual(['blur']);
});

test('a transition is chosen, a scene is prepared, and taken by button and by hand', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  const now = async () => {
    const { collection, studio_mode } = await klieg.snapshot();
    return { program: collection.current, preview: studio_mode?.preview, far: studio_mode?.far };
  };
  const dock = region(page, 'Transition');
  await dock.getByLabel('Kind', { exact: true }).selectOption('fade');
  await expect.poll(async () => (await klieg.snapshot()).collection.transition?.kind).toBe('fade');
  await dock.getByRole('checkbox', { name: 'Studio mode' }).check();
  await expect(region(page, 'Preview')).toBeVisible();
  const switcher = region(page, 'Switcher');
  await expect(switcher.getByRole('button', { name: 'Take' })).toBeDisabled();
  await scene(page, 'Test signal').click();
  await expect.poll(now).toEqual({ program: 'welcome', preview: 'test', far: 0 });
  for (const view of ['program', 'preview', 'scenes']) {
    const picture = view === 'preview' ? region(page, 'Preview').locator('canvas') : page.locator(`canvas.feed.${view}`);
    await expect.poll(async () => Number((await picture.getAttribute('data-frames')) ?? 0)).toBeGreaterThan(2);
  }
  await clean(page);
  await expect(switcher.getByText('Fade, 400 ms')).toBeVisible();
  await switcher.getByRole('button', { name: 'Take' }).click();
  await expect.poll(now).toEqual({ program: 'test', preview: 'welcome', far: 0 });
  const bar = switcher.getByRole('slider', { name: 'T-bar' });
  await bar.press('PageUp');
  await expect.poll(async () => (await now()).far).toBeGreaterThan(0);
  await bar.press('End');
  await expect.poll(now).toEqual({ program: 'welcome', preview: 'test', far: 0 });
  // At once, whatever the transition is.
  await switcher.getByRole('button', { name: 'Cut' }).click();
  await expect.poll(now).toEqual({ program: 'test', preview: 'welcome', far: 0 });
  await page.keyboard.press('p');
  await expect(region(page, 'Preview')).toHaveCount(0);
});
