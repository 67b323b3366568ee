import { clean } from './axe.ts';
import { expect, test } from './klieg.ts';

test.use({ onAir: false, viewport: { width: 1280, height: 720 } });

test('a scene is made after a template, with sources that are there and words of its own', async ({ page, klieg }) => {
  await page.goto(klieg.studio);
  await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();
  await page.getByRole('button', { name: 'Scene from a template' }).click();
  const dialog = page.getByRole('dialog', { name: 'Scene from a template' });
  const templates = dialog.getByRole('radio');
  await expect(templates).toHaveCount(8);
  await expect(templates.first()).toBeChecked();
  await clean(page);

  // By keys, as a group of radio buttons goes.
  await templates.first().press('ArrowRight');
  await expect(dialog.getByRole('radio', { name: /^Side by side/ })).toBeChecked();
  await dialog.getByRole('radio', { name: /^Side by side/ }).press('ArrowDown');
  await dialog.getByRole('radio', { name: /^Lower third/ }).click();
  await dialog.getByRole('textbox', { name: 'Name', exact: true }).first().fill('Interview');
  await dialog.getByRole('combobox', { name: 'Picture' }).selectOption({ label: 'Test signal' });
  await dialog.getByRole('textbox', { name: 'Below it' }).fill('Director');
  await dialog.getByRole('button', { name: 'Make the scene' }).click();

  const made = async () => {
    const { collection } = await klieg.snapshot();
    const scene = collection.scenes.find((one) => one.name === 'Interview');
    const kinds = scene?.items.map((item) => collection.sources.find((one) => one.id === item.source)?.kind);
    return { shown: collection.current === scene?.id, kinds };
  };
  await expect.poll(made).toEqual({ shown: true, kinds: ['test_signal', 'color', 'text', 'text'] });
  const { collection } = await klieg.snapshot();
  expect(JSON.stringify(collection.sources)).toContain('Director');
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await expect.poll(async () => (await klieg.snapshot()).collection.scenes.map((one) => one.name)).not.toContain('Interview');
});
