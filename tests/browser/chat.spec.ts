import type { Page } from '@playwright/test';
import { expect, test } from './klieg.ts';

async function enter(page: Page, http: string, name: string): Promise<void> {
  await page.goto(`${http}/watch/program`);
  await choose(page, name);
  await expect(page.getByText(`As ${name}`)).toBeVisible();
}

async function choose(page: Page, name: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Your name in the chat' }).fill(name);
  await page.getByRole('button', { name: 'Use this name' }).click();
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Your message' }).fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

const messages = (page: Page) => page.getByRole('log', { name: 'Chat messages' });

test('two viewers talk, the host answers, and a late one reads what was said', async ({ browser, klieg }) => {
  const [maria, jo] = [await browser.newPage(), await browser.newPage()];
  await enter(maria, klieg.http, 'maria');
  await enter(jo, klieg.http, 'jo');
  await say(maria, 'sound is great today');
  await expect(messages(jo)).toContainText('maria sound is great today');
  await say(jo, 'no delay <b>at all</b>');
  await expect(messages(maria)).toContainText('jo no delay <b>at all</b>');
  await expect(messages(maria).locator('b')).toHaveCount(0);

  await klieg.command({ command: 'say', channel: 'program', text: 'thank you!' });
  const host = messages(maria).locator('.message', { hasText: 'thank you!' }).locator('.name');
  await expect(host).toHaveClass(/host/);
  await expect(host).toContainText(/host/i);

  const late = await browser.newPage();
  await late.goto(`${klieg.http}/watch/program`);
  for (const text of ['sound is great today', 'no delay <b>at all</b>', 'thank you!']) {
    await expect(messages(late)).toContainText(text);
  }
});

test('what was said is there again after a restart, and the name comes back by itself', async ({ page, klieg, running }) => {
  await enter(page, klieg.http, 'sam');
  await say(page, 'can you show the second camera?');
  await expect(messages(page)).toContainText('second camera');
  running.klieg = await klieg.restart({ onAir: true });
  await expect(page.getByText('Reconnecting…')).toHaveCount(0);
  await page.reload();
  await expect(messages(page)).toContainText('sam can you show the second camera?');
  await expect(page.getByText('As sam')).toBeVisible();
});

test('a name chosen before the room is entered waits for it', async ({ page, klieg }) => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  await page.routeWebSocket(/socket\.io/, async (socket) => {
    await gate;
    socket.connectToServer();
  });
  await page.goto(`${klieg.http}/watch/program`);
  await choose(page, 'early');
  // The player may say the same of itself.
  await expect(page.getByRole('region').getByText('Connecting…')).toBeVisible();
  open();
  await expect(page.getByText('As early')).toBeVisible();
});

test('what is refused is said where it was written', async ({ page, klieg }) => {
  await page.goto(`${klieg.http}/watch/program`);
  await choose(page, 'Host');
  await expect(page.getByRole('alert').filter({ hasText: /host/i })).toBeVisible();
  await choose(page, 'li');
  await expect(page.getByText('As li')).toBeVisible();
  await say(page, 'x'.repeat(501));
  await expect(page.getByRole('alert').filter({ hasText: '501' })).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Your message' })).toHaveValue('x'.repeat(501));
  await say(page, 'bravo!');
  await expect(messages(page)).toContainText('bravo!');
  await expect(messages(page)).not.toContainText('xxx');
});
