import { clean } from './axe.ts';
import { expect, test } from './klieg.ts';
import { plays } from './picture.ts';

test('the station', async ({ page, klieg }) => {
  await page.goto(klieg.http);
  await expect(page.getByText('1 live now')).toBeVisible();
  await clean(page);
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'webrtc');
  await page.getByRole('button', { name: 'Statistics' }).click();
  await clean(page);
  await page.setViewportSize({ width: 360, height: 740 });
  await clean(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

test.describe('off air', () => {
  test.use({ onAir: false, viewport: { width: 1440, height: 900 } });

  test('the station with nobody live', async ({ page, klieg }) => {
    await page.goto(klieg.http);
    await expect(page.getByRole('heading', { name: 'Nobody is live yet' })).toBeVisible();
    await clean(page);
    await page.goto(`${klieg.http}/watch/program`);
    await expect(page.getByText('Not live yet', { exact: true })).toBeVisible();
    await clean(page);
  });

  test('the studio and its door', async ({ page, klieg }) => {
    await page.goto(`${klieg.http}/studio`);
    await expect(page.getByRole('button', { name: 'Open the studio' })).toBeVisible();
    await clean(page);

    await page.goto(klieg.studio);
    await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();
    await clean(page);
    for (const name of ['Lower third', 'Studio loop']) {
      await page.getByRole('region', { name: /^Sources/ }).getByRole('button', { name: new RegExp(`^${name}`) }).first().click();
      await clean(page);
    }
    await page.setViewportSize({ width: 360, height: 740 });
    await clean(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });

  test('the menus and questions of the studio', async ({ page, klieg }) => {
    await page.goto(klieg.studio);
    await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();
    await page.getByRole('button', { name: 'Add a source' }).click();
    await clean(page);
    await page.getByRole('menuitem', { name: /^Camera A webcam/ }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await clean(page);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Add a destination' }).first().click();
    await clean(page);
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
    await clean(page);
  });
});
