/** Every page of the station, as wide as a phone and as a desk: nothing lies beside the screen, and axe has nothing to say. */
import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { type Klieg, expect, test } from './klieg.ts';
import { plays } from './picture.ts';
import { chromium, flags } from './playwright.config.ts';

test.use({
  launchOptions: { executablePath: chromium, args: [...flags, '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'] },
  permissions: ['camera', 'microphone'],
});

interface Shown {
  name: string;
  path: string;
  /** It shows what it has to show. */
  ready: (page: Page) => Promise<void>;
}

const says = (text: string | RegExp) => (page: Page) => expect(page.getByText(text).first()).toBeVisible({ timeout: 30_000 });
const headed = (name: string | RegExp) => (page: Page) => expect(page.getByRole('heading', { name, level: 1 })).toBeVisible();

async function look(page: Page, klieg: Klieg, shown: Shown): Promise<void> {
  await test.step(shown.name, async () => {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(klieg.http + shown.path);
    await shown.ready(page);
    for (const [width, height] of [
      [1280, 800],
      [360, 740],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.screenshot({ path: test.info().outputPath(`${shown.name}-${width}.png`) });
      await clean(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), `${shown.name} at ${width}`).toBeLessThanOrEqual(width);
    }
  });
}

test.describe('on air', () => {
  const pages: Shown[] = [
    { name: 'live', path: '/', ready: says('1 live now') },
    { name: 'watching', path: '/watch/program', ready: (page) => plays(page, 'webrtc') },
    {
      name: 'watching-hls',
      path: '/watch/program?again',
      ready: async (page) => {
        await page.route('**/program/whep', (route) => route.fulfill({ status: 503, body: 'full' }));
        await page.reload();
        await plays(page, 'hls');
        await expect(page.locator('.notice')).toContainText('HLS');
        await page.unroute('**/program/whep');
      },
    },
    { name: 'not-live-yet', path: '/watch/nobody-with-a-name-as-long-as-names-may-be', ready: says('Not live yet') },
    { name: 'broadcast', path: '/broadcast', ready: (page) => expect(page.locator('.preview video')).toBeVisible() },
    { name: 'trust', path: '/trust', ready: says('SHA-256') },
    { name: 'doctor', path: '/doctor', ready: headed('Connection doctor') },
    { name: 'dashboard', path: '/dashboard', ready: headed('Dashboard') },
    { name: 'nowhere', path: '/no/such/page-with-an-address-that-is-longer-than-any-screen-of-a-phone-is-wide', ready: headed('There is no page here') },
    { name: 'door', path: '/studio', ready: (page) => expect(page.getByRole('button', { name: 'Open the studio' })).toBeVisible() },
  ];

  test('every page fits', async ({ page, klieg }) => {
    test.setTimeout(240_000);
    for (const shown of pages) await look(page, klieg, shown);
    await klieg.command({ command: 'set_passphrase', channel: 'program', passphrase: 'nobody will guess this' });
    await look(page, klieg, { name: 'private', path: '/watch/program?private', ready: (page) => expect(page.getByLabel('Passphrase of this private channel')).toBeVisible() });
  });

  test('who comes to a page by the keyboard is told which it is, and goes on from its beginning', async ({ page, klieg }) => {
    await page.goto(klieg.http);
    const main = page.getByRole('main');
    await expect(page.getByRole('link', { name: /^LIVE/ })).toBeVisible();
    // A page that is loaded has the focus where a browser puts it.
    expect(await page.evaluate(() => document.activeElement === document.body)).toBe(true);
    const said = page.locator('[aria-live].visually-hidden');
    await expect(said).toHaveText('');

    const comes = async (title: string): Promise<void> => {
      await expect(page).toHaveTitle(title);
      await expect(main).toBeFocused();
      await expect(said).toHaveText(title);
    };
    const { title } = (await klieg.channels())[0]!;
    const press = async (name: string | RegExp): Promise<void> => {
      await page.getByRole('link', { name }).first().focus();
      await page.keyboard.press('Enter');
    };
    await press(/^LIVE/);
    await comes(`${title} · Klieg`);
    await page.keyboard.press('Tab');
    expect(await main.evaluate((box) => box !== document.activeElement && box.contains(document.activeElement))).toBe(true);
    await press('Library');
    await comes('Library · Klieg');
    await press('Broadcast');
    await comes('Broadcast · Klieg');
    await page.goBack();
    await comes('Library · Klieg');
    await press('Skip to content');
    await expect(main).toBeFocused();
    await expect(page).toHaveURL(/\/library#main$/);
  });

  test('a page that did not load says so, and is tried again', async ({ page, klieg }) => {
    const chunks = /\/assets\/(Trust|Doctor|Dashboard|Library|Show|Broadcast)-.*\.js$/;
    await page.route(chunks, (route) => route.abort());
    for (const path of ['/trust', '/doctor', '/dashboard', '/library', '/library/1', '/broadcast']) {
      await page.goto(klieg.http + path);
      await expect(page.getByRole('main').getByRole('alert'), path).toHaveText('The page did not load. Check the connection to the station.');
    }
    await page.goto(`${klieg.http}/library`);
    await clean(page);
    await page.unroute(chunks);
    await page.getByRole('button', { name: 'Try again' }).click();
    await headed('Library')(page);
  });

  test('every device is told how to trust the station', async ({ page, klieg }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(`${klieg.http}/trust`);
    const devices = page.getByRole('group', { name: 'Your device' }).getByRole('button');
    await expect(devices.first()).toHaveAttribute('aria-pressed', 'true');
    const names = await devices.allTextContents();
    expect(new Set(names).size).toBeGreaterThanOrEqual(5);
    for (const name of names) {
      await devices.filter({ hasText: name }).click();
      const guide = page.getByRole('region', { name, exact: true });
      await expect(guide.getByRole('listitem').first()).toBeVisible();
      // The certificate it installs is there, and the page that it then opens is the one over TLS.
      const file = await guide.getByRole('link').first().getAttribute('href');
      expect((await fetch(klieg.http + file!)).status, file!).toBe(200);
      await expect(guide.getByRole('link', { name: /over HTTPS/ })).toHaveAttribute('href', /^https:/);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(360);
    }
    await clean(page);
  });
});

test.describe('off air', () => {
  test.use({ onAir: false });

  test('every page fits, before the first show and after it', async ({ page, klieg }) => {
    test.setTimeout(180_000);
    const before: Shown[] = [
      { name: 'nobody-live', path: '/', ready: (page) => expect(page.getByRole('heading', { name: 'Nobody is live yet' })).toBeVisible() },
      { name: 'waiting', path: '/watch/program', ready: says('Not live yet') },
      { name: 'library-empty', path: '/library', ready: says('Nothing yet') },
    ];
    for (const shown of before) await look(page, klieg, shown);
    await klieg.command({ command: 'set_title', title: 'An evening with a title that goes on for longer than most' });
    await klieg.command({ command: 'go_live' });
    await klieg.command({ command: 'end_broadcast' });
    const past = async (): Promise<{ id: number | string }[]> => (await (await fetch(`${klieg.http}/api/library`)).json()) as { id: number | string }[];
    await expect.poll(async () => (await past()).length).toBe(1);
    const id = String((await past())[0]!.id);
    const after: Shown[] = [
      { name: 'library', path: '/library', ready: says('An evening') },
      { name: 'past-shows', path: '/u/program', ready: says('An evening') },
      { name: 'past-shows-of-nobody', path: '/u/nobody', ready: says('Nothing yet') },
      { name: 'show', path: `/library/${id}`, ready: headed(/^An evening/) },
    ];
    for (const shown of after) await look(page, klieg, shown);
    // A show is told by its name as soon as that is known.
    await page.goto(`${klieg.http}/library`);
    await page.getByRole('main').getByRole('link', { name: /An evening/ }).first().press('Enter');
    await expect(page).toHaveTitle(/^An evening .* · Klieg$/);
    await expect(page.locator('[aria-live].visually-hidden')).toHaveText(/^An evening/);
    await expect(page.getByRole('main')).toBeFocused();
  });
});
