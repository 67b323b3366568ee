import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { expect, test } from './klieg.ts';

/** Nothing stands out at the right of what is seen. */
const fits = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

/** What is shown, where a folder for pictures is named. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['KLIEG_SHOTS'];
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

test('the station speaks as the browser does, or as its reader chose', async ({ browser, klieg }) => {
  const context = await browser.newContext({ locale: 'de-AT', viewport: { width: 360, height: 740 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(klieg.http);
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  await expect(page.getByRole('heading', { level: 1, name: 'Jetzt live' })).toBeVisible();
  expect(await fits(page)).toBe(true);
  await clean(page);
  await picture(page, 'home-de-360');
  for (const path of ['/watch/program', '/broadcast', '/library', '/doctor']) {
    await page.goto(klieg.http + path);
    await expect(page.getByRole('main')).toBeVisible();
    expect(await fits(page), path).toBe(true);
  }

  // Chosen, without a reload, and kept for all pages on this device.
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(klieg.http);
  await page.getByRole('button', { name: 'Sprache' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Français' }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'fr');
  await clean(page);
  await picture(page, 'home-fr-1280');
  await page.goto(`${klieg.http}/watch/program`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'fr');
  expect(await fits(page)).toBe(true);
  // A link may ask for another, which is for that visit.
  await page.goto(`${klieg.http}/?lang=es`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'es');
  await page.goto(klieg.http);
  await expect(page.locator('html')).toHaveAttribute('lang', 'fr');
  await context.close();
});

test('the studio speaks as its host does', async ({ browser, klieg }) => {
  const context = await browser.newContext({ locale: 'de-DE', viewport: { width: 1280, height: 720 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(`${klieg.studio}`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  await expect(page.getByRole('button', { name: 'Sendung beenden' })).toBeVisible();
  expect(await fits(page)).toBe(true);
  await clean(page);
  await picture(page, 'studio-de-1280');
  // Where the link for viewers leads: the program names networks in English.
  await expect(page.getByText('Dieser Rechner', { exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Einstellungen' }).first().click();
  await page.getByRole('dialog').getByLabel('Sprache', { exact: true }).selectOption('en');
  await expect(page.getByRole('dialog', { name: 'Settings' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'End broadcast' })).toBeVisible();
  await context.close();
});

test('the settings are described in the language of their reader', async ({ browser, klieg }) => {
  const { settings } = await klieg.snapshot();
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(klieg.studio);
  await expect(page.getByRole('button', { name: 'End broadcast' })).toBeVisible();
  await page.keyboard.press('Control+,');
  const dialog = page.getByRole('dialog');
  await expect(dialog.locator('form.setting')).toHaveCount(settings.length);
  /** What the page says of each setting: its description, and the names of what it may be set to. */
  const said = async (): Promise<Map<string, { about: string; options: string[] }>> =>
    new Map(
      await dialog.locator('form.setting').evaluateAll((rows) =>
        rows.map((row) => {
          const text = (found: Element | null): string => found?.textContent?.trim() ?? '';
          return [text(row.querySelector('code')), { about: text(row.querySelector('.about p')), options: [...row.querySelectorAll('option')].map(text) }] as const;
        }),
      ),
    );

  // In English the page says what the program says: neither was changed alone.
  const english = await said();
  expect(settings.filter(({ key, meaning }) => !english.get(key)?.about.startsWith(meaning)).map(({ key }) => key)).toEqual([]);

  for (const [tag, limit] of [
    ['de', '0,5 bis 10 Sekunden.'],
    ['es', 'De 0,5 a 10 segundos.'],
    ['fr', 'De 0,5 à 10 secondes.'],
  ] as const) {
    await dialog.locator('.language select').selectOption(tag);
    await expect(page.locator('html')).toHaveAttribute('lang', tag);
    const words = await said();
    // Nothing is left of what the program says, and no word that only the file knows.
    const left = settings.filter(({ key, meaning }) => words.get(key)?.about.includes(meaning) !== false);
    expect(left.map(({ key }) => key), tag).toEqual([]);
    const ranges = settings.filter(({ key, kind }) => 'unit' in kind && english.get(key)?.about.split('. ').at(-1) === words.get(key)?.about.split('. ').at(-1));
    expect(ranges.map(({ key }) => key), tag).toEqual([]);
    expect(words.get('encoder.keyframe_seconds')?.about).toMatch(new RegExp(`${limit}$`));
    const raw = settings.filter(({ key, kind }) => kind.type === 'choice' && kind.options.some((option) => words.get(key)?.options.includes(option) !== false));
    expect(raw.map(({ key }) => key), tag).toEqual([]);
    // Nor of why keys lie in a file.
    await expect(dialog.locator('form.storage')).toContainText('station.keychain');
    await expect(dialog.locator('form.storage')).not.toContainText('says so');
    await picture(page, `settings-${tag}-1280`);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await fits(page)).toBe(true);
  await clean(page);
  await picture(page, 'settings-fr-360');
  await context.close();
});
