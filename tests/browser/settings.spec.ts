import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clean } from './axe.ts';
import { expect, test } from './klieg.ts';

test.use({ onAir: false, viewport: { width: 1440, height: 900 } });

test('settings are found, checked as they are typed, kept, and mended', async ({ page, klieg, folder }) => {
  const file = join(folder, 'data/settings.toml');
  await writeFile(file, '# mine\n[encoder]\nbitrate = 3000000 # for the club\n');
  await page.goto(klieg.studio);
  await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();
  await page.keyboard.press('Control+,');
  const dialog = page.getByRole('dialog', { name: 'Settings' });
  await expect(dialog.getByRole('searchbox')).toBeFocused();

  // The file was changed by hand, and is read by itself.
  const bitrate = dialog.getByRole('textbox', { name: 'Video bitrate' });
  await expect(bitrate).toHaveValue('3000000');
  await expect(dialog.getByText('From settings.toml, line 3')).toBeVisible();
  // What the command line sets stands over it.
  await expect(dialog.getByRole('textbox', { name: 'HTTP', exact: true })).toBeDisabled();
  await expect(dialog.getByText('--set server.http=…')).toBeVisible();
  await clean(page);

  // In the studio's own words, before anything is saved.
  await bitrate.fill('5');
  await expect(dialog.getByText('100000 to 50000000 bits per second')).toBeVisible();
  await expect(bitrate).toHaveAttribute('aria-invalid', 'true');
  await expect(dialog.getByRole('button', { name: 'Save' })).toBeDisabled();
  await clean(page);
  await bitrate.press('Escape');
  await expect(bitrate).toHaveValue('3000000');
  await bitrate.fill('2 000 000');
  await bitrate.press('Enter');
  await expect.poll(() => readFile(file, 'utf8')).toBe('# mine\n[encoder]\nbitrate = 2000000 # for the club\n');
  await expect(dialog.getByRole('button', { name: 'Save' })).toHaveCount(0);

  // Found by what it means; chosen by keyboard; put back.
  await dialog.getByRole('searchbox').fill('who may publish');
  const policy = dialog.getByRole('combobox', { name: 'Policy' });
  await policy.selectOption('approve');
  await expect.poll(async () => (await klieg.snapshot()).settings.find((one) => one.key === 'ingest.policy')?.value).toBe('approve');
  await dialog.getByRole('button', { name: 'Reset Policy' }).click();
  await expect(policy).toHaveValue('keyed');
  expect(await readFile(file, 'utf8')).toContain('# policy = "approve"');
  await dialog.getByRole('searchbox').fill('nothing is called so');
  await dialog.getByRole('button', { name: 'Show all' }).click();

  // A mistake in the file is told with its line, and what was set goes on.
  await writeFile(file, '[encoder]\nbitrate = "fast"\n');
  await expect(dialog.getByText(/settings\.toml, line 2: bitrate/)).toBeVisible();
  await expect(bitrate).toHaveValue('2000000');
  await clean(page);
  await page.setViewportSize({ width: 360, height: 740 });
  await clean(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await writeFile(file, '[encoder]\nbitrate = 1000000\n');
  await dialog.getByRole('button', { name: 'Read the file again' }).click();
  await expect(bitrate).toHaveValue('1000000');
  await expect(dialog.getByText(/line 2: bitrate/)).toHaveCount(0);
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
});
