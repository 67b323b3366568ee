import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { expect, test } from './klieg.ts';
import { chromium, flags } from './playwright.config.ts';

// A camera and a microphone of Chromium's own.
test.use({ launchOptions: { executablePath: chromium, args: [...flags, '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] } });

const narrow = { width: 360, height: 740 };
const wide = { width: 1280, height: 800 };

/** Every test of the doctor has its verdict. */
async function examined(page: Page): Promise<Record<string, string>> {
  await expect(page.getByRole('button', { name: 'Examine again' })).toBeVisible({ timeout: 60_000 });
  const lines = page.locator('[data-test]');
  const verdicts: Record<string, string> = {};
  for (const line of await lines.all()) {
    verdicts[(await line.getAttribute('data-test')) ?? ''] = (await line.locator('.verdict').textContent())?.trim() ?? '';
  }
  return verdicts;
}

async function fits(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
}

/** Where a test leaves a picture for whoever wants to look at it. */
const shots = process.env['KLIEG_SHOTS'];
async function look(page: Page, name: string): Promise<void> {
  if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
}

test.describe('nothing is live', () => {
  test.use({ onAir: false });

  test('the doctor finds a good connection, and the host reads of it', async ({ page, context, klieg }) => {
    // The studio's page in another tab.
    const studio = await context.newPage();
    await studio.setViewportSize(wide);
    await studio.goto(klieg.studio);
    await expect(studio.getByRole('button', { name: 'Go live' })).toBeEnabled();

    await page.setViewportSize(wide);
    await page.goto(`${klieg.http}/doctor`);
    const verdicts = await examined(page);
    expect(Object.values(verdicts)).toEqual(new Array(10).fill('Works'));
    await expect(page.getByText('Everything works: this device can watch and broadcast.')).toBeVisible();
    await expect(page.getByText('The host can read this report')).toBeVisible();
    await expect(studio.getByText(/examined their connection: everything that watching takes works/)).toBeVisible();
    await clean(page);
    await look(page, 'doctor-1280');

    await page.getByLabel(/^Your name/).fill('Ann <b>');
    await page.getByRole('button', { name: 'Send with my name' }).click();
    await expect(page.getByText('from Ann <b>')).toBeVisible();
    await studio.getByRole('status').filter({ hasText: 'Ann <b>' }).getByRole('button', { name: 'Show' }).last().click();
    await expect(studio.getByRole('tab', { name: 'Devices' })).toHaveAttribute('aria-selected', 'true');
    await expect(studio.getByText('Ann <b>', { exact: true })).toBeVisible();
    await clean(studio);
    await look(studio, 'devices-1280');

    await page.setViewportSize(narrow);
    await clean(page);
    await fits(page);
    await look(page, 'doctor-360');
  });

  test('where UDP is blocked the doctor names the port and what to do', async ({ page, klieg }) => {
    // No address of the station's reaches this browser: as a firewall would have it.
    await page.addInitScript(() => {
      const real = RTCPeerConnection.prototype.setRemoteDescription;
      RTCPeerConnection.prototype.setRemoteDescription = function (this: RTCPeerConnection, description: RTCSessionDescriptionInit) {
        const sdp = (description.sdp ?? '').replace(/^a=candidate:.*\r\n/gm, '').replace(/^a=ice-ufrag:.*$/gm, 'a=ice-ufrag:nobody00');
        return (real as (this: RTCPeerConnection, description: RTCSessionDescriptionInit) => Promise<void>).call(this, { ...description, sdp });
      } as unknown as typeof real;
    });
    await page.setViewportSize(narrow);
    await page.goto(`${klieg.http}/doctor`);
    const verdicts = await examined(page);
    expect(verdicts['udp']).toBe('Problem');
    expect(verdicts['http']).toBe('Works');
    const port = klieg.ready.media_udp.split(':').at(-1);
    const line = page.locator('[data-test="udp"]');
    await expect(line).toContainText(`Nothing comes back from UDP port ${port}`);
    await expect(line).toContainText(`sudo ufw allow ${port}/udp`);
    await expect(page.getByRole('status').first()).toContainText('Live media does not come through');
    await clean(page);
    await look(page, 'doctor-blocked-360');

    const reports = await fetch(`${klieg.http}/api/doctor/reports`, { headers: { Authorization: `Bearer ${klieg.ready.control_token}` } });
    const [{ report }] = (await reports.json()) as [{ report: { checks: { id: string; verdict: string }[] } }];
    expect(report.checks.find((check) => check.id === 'udp')?.verdict).toBe('bad');
  });
});

test('the dashboard draws the last hour, and says it in words', async ({ page, klieg }) => {
  await page.setViewportSize(wide);
  await page.goto(`${klieg.http}/dashboard`);
  const viewers = page.locator('[data-plot="viewers"]');
  await expect(viewers.getByText('program', { exact: true }).first()).toBeVisible();
  await expect(viewers.locator('path.s0')).toHaveAttribute('d', /^M.*L/, { timeout: 30_000 });
  await expect(page.locator('[data-plot="cpu"] .visually-hidden')).toHaveText(/Klieg: \d+ %, within the hour from \d+ % to \d+ %\./);
  await expect(page.locator('[data-plot]')).toHaveCount(7);
  await clean(page);
  await look(page, 'dashboard-1280');
  await page.setViewportSize(narrow);
  await page.locator('[data-plot="pictures"] summary').click();
  await expect(page.getByRole('columnheader', { name: 'Skipped or late' })).toBeVisible();
  await clean(page);
  await fits(page);
  await look(page, 'dashboard-360');
});

test('the dashboard says what is wrong with a control link that does not open it', async ({ page, klieg }) => {
  const errors: Error[] = [];
  page.on('pageerror', (error) => errors.push(error));
  // On this machine it is open to all: as if it were asked from another.
  await page.route('**/api/dashboard*', (route) =>
    route.request().headers()['authorization'] === `Bearer ${klieg.ready.control_token}`
      ? route.continue()
      : route.fulfill({ status: 401, json: { code: 'unauthorized', message: 'Bring a control token.' } }),
  );
  await page.goto(`${klieg.http}/dashboard`);
  const field = page.getByLabel('Control link or token');
  const paste = async (text: string): Promise<void> => {
    await field.fill(text);
    await page.getByRole('button', { name: 'Show the figures' }).click();
  };
  await expect(field).toBeVisible();
  await expect(page.getByRole('alert')).toBeEmpty();
  await paste(`${klieg.http}/studio#token=%zz`);
  await expect(page.getByRole('alert')).toHaveText(/That is no control link/);
  await expect(field).toBeFocused();
  await paste('%zz');
  await expect(page.getByRole('alert')).toHaveText(/not valid any more/);
  for (const size of [wide, narrow]) {
    await page.setViewportSize(size);
    await clean(page);
    await look(page, `dashboard-refused-${size.width}`);
  }
  await fits(page);
  await paste(klieg.studio);
  await expect(page.locator('[data-plot]').first()).toBeVisible();
  expect(errors).toEqual([]);
});

test('the studio shows the log as it grows, and who did what', async ({ page, klieg }) => {
  await page.setViewportSize(wide);
  await page.goto(klieg.studio);
  await page.getByRole('button', { name: 'Figures, log and records' }).click();
  await expect(page.locator('[data-plot]').first()).toBeVisible();
  await clean(page);
  await look(page, 'records-figures-1280');

  await page.getByRole('tab', { name: 'Figures' }).press('ArrowRight');
  const log = page.getByRole('log', { name: 'Log' });
  await expect(log).toContainText('control: ');
  await expect(log).toContainText('#token=…');
  await expect(log).not.toContainText(klieg.ready.control_token);
  await klieg.command({ command: 'set_title', title: 'Heard in the log' });
  await expect(log).toContainText('title=Heard in the log');
  await clean(page);
  await look(page, 'records-log-1280');

  await page.getByRole('button', { name: 'Pause' }).click();
  await klieg.command({ command: 'set_title', title: 'While it stood still' });
  await expect(page.getByRole('button', { name: /Follow \(\d+ new\)/ })).toBeVisible();
  await expect(log).not.toContainText('While it stood still');
  await page.getByRole('button', { name: /^Follow/ }).click();
  await expect(log).toContainText('While it stood still');
  await page.getByLabel('Search the log').fill('stood STILL');
  await expect(log).not.toContainText('Heard in the log');
  await page.getByLabel('Search the log').fill('');
  await page.getByLabel('From which level on').selectOption('error');
  await expect(log).not.toContainText('While it stood still');

  await page.getByRole('tab', { name: 'Who did what' }).click();
  const table = page.getByRole('table');
  await expect(table).toContainText('title=While it stood still');
  await expect(table).toContainText('the command line');
  await page.getByLabel('Search who did what').fill('heard LOG');
  await expect(table).not.toContainText('While it stood still');
  await expect(table).toContainText('Heard in the log');
  await clean(page);
  await look(page, 'records-acts-1280');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'CSV' }).click();
  expect((await download).suggestedFilename()).toBe('klieg-audit.csv');

  await page.setViewportSize(narrow);
  await clean(page);
  await fits(page);
  await look(page, 'records-acts-360');
  await page.getByRole('tab', { name: 'Log' }).click();
  await page.getByLabel('From which level on').selectOption('info');
  await expect(log).toContainText('While it stood still');
  await clean(page);
  await look(page, 'records-log-360');
});
