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
  await page.getByRole('button', { name: 'Einstellungen' }).first().click();
  await page.getByRole('dialog').getByLabel('Sprache', { exact: true }).selectOption('en');
  await expect(page.getByRole('dialog', { name: 'Settings' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'End broadcast' })).toBeVisible();
  await context.close();
});
