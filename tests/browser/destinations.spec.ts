import { clean } from './axe.ts';
import { expect, test } from './klieg.ts';

test.use({ onAir: false, viewport: { width: 1440, height: 900 } });

test('a platform is chosen with its server and key, and what it needs is held against the uplink', async ({ page, klieg }) => {
  await klieg.command({ command: 'set_setting', key: 'outputs.uplink', value: 2_000_000 });
  await page.goto(klieg.studio);
  await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();
  await page.getByRole('button', { name: 'Add a destination' }).first().click();
  const form = page.getByRole('dialog', { name: 'Add a destination' });
  await expect(form.getByRole('combobox', { name: 'Where' })).toBeFocused();
  await expect(form.getByRole('link', { name: 'Open that page' })).toHaveAttribute('href', /^https:\/\/dashboard\.twitch\.tv\//);
  await expect(form).toContainText('picture up to 6 Mbps');
  await expect(form).toContainText('encrypted file');
  await form.getByRole('combobox', { name: 'Server' }).selectOption('Europe: Frankfurt');
  await form.getByLabel('Primary stream key').fill('live_sesame');
  await form.getByRole('checkbox', { name: 'As a test' }).check();
  await form.getByRole('spinbutton', { name: 'Delay' }).fill('20');
  await clean(page);
  await form.getByRole('button', { name: 'Add' }).click();
  await expect(form).toHaveCount(0);
  const dock = page.getByRole('region', { name: 'Destinations' });
  await expect(dock).toContainText('test');
  await expect(dock).toContainText('20 s late');
  await expect(dock).toContainText('1 chosen, 2.8 Mbps of 2 Mbps uplink');
  const snapshot = await klieg.snapshot();
  expect(snapshot.destinations[0]).toMatchObject({
    name: 'Twitch',
    platform: 'twitch',
    test: true,
    delay_seconds: 20,
    has_secret: true,
    target: { protocol: 'rtmp', url: 'rtmp://live-fra.twitch.tv/app' },
  });
  expect(JSON.stringify(snapshot)).not.toContain('sesame');

  // More than there is: it is asked about.
  await page.getByRole('button', { name: 'Go live' }).click();
  const asked = page.getByRole('dialog', { name: 'More than your connection carries' });
  await expect(asked).toContainText('is chosen needs 2.8 Mbps');
  await asked.getByRole('button', { name: 'Cancel' }).click();
  expect((await klieg.snapshot()).on_air).toBeNull();
});

test('what goes beyond a platform is said, and a server that is not there is tried again', async ({ page, klieg }) => {
  await klieg.command({ command: 'set_setting', key: 'encoder.keyframe_seconds', value: 5 });
  await klieg.command({
    command: 'add_destination',
    destination: { name: 'Hall', target: { protocol: 'rtmp', url: 'rtmp://127.0.0.1:9/live' }, platform: 'twitch', secret: 'sesame' },
  });
  await page.goto(klieg.studio);
  const dock = page.getByRole('region', { name: 'Destinations' });
  await expect(dock).toContainText('Twitch asks for a keyframe every 2 seconds at least, and yours come every 5.');
  await page.getByRole('button', { name: 'Go live' }).click();
  await expect(dock).toContainText(/retry \d/);
  await expect(dock).toContainText('nothing listens at that port');
  await clean(page);
  // Stopped on air by itself.
  await dock.getByRole('switch', { name: /^Hall/ }).click();
  await expect.poll(async () => (await klieg.snapshot()).destinations[0]?.state.state).toBe('off');
  await expect(page.getByRole('button', { name: 'End broadcast' })).toBeVisible();
});

test('a destination has a picture of its own, or the program follows its way where that is wanted', async ({ page, klieg }, info) => {
  await page.goto(klieg.studio);
  await page.getByRole('button', { name: 'Add a destination' }).first().click();
  const form = page.getByRole('dialog', { name: 'Add a destination' });
  await form.getByRole('combobox', { name: 'Where' }).selectOption('Another WHIP server');
  await form.getByLabel('Name').fill('Club');
  await form.getByLabel('Address').fill('http://127.0.0.1:9/club/whip');
  // What everybody would pay is said beside it, and it is off.
  const follow = form.getByRole('checkbox', { name: /^Lower the program's picture/ });
  await expect(follow).not.toBeChecked();
  await expect(follow).toHaveAccessibleDescription(/^Viewers, the recording and all other destinations get the poorer picture, too/);
  await follow.check();
  await form.getByRole('combobox', { name: 'Picture' }).selectOption('640×360');
  await expect(follow).toHaveCount(0);
  const rate = form.getByRole('spinbutton', { name: 'Bitrate of its own picture, in Mbps' });
  await expect(rate).toHaveValue('0.8');
  await rate.fill('0.05');
  await form.getByRole('button', { name: 'Add' }).click();
  // The browser itself says what is out of range, and nothing is added.
  expect(await rate.evaluate((input: HTMLInputElement) => input.validity.rangeUnderflow)).toBe(true);
  await expect(form).toBeVisible();
  await rate.fill('0.9');
  await clean(page);
  await page.screenshot({ path: info.outputPath('own-picture.png') });
  await form.getByRole('button', { name: 'Add' }).click();
  await expect(form).toHaveCount(0);
  const own = { rendition: { height: 360, bitrate: 900_000 }, follow: false };
  expect((await klieg.snapshot()).destinations[0]).toMatchObject(own);
  const dock = page.getByRole('region', { name: 'Destinations' });
  await expect(dock).toContainText('360p');
  await expect(dock).toContainText('1 chosen, 1.1 Mbps');

  // Back to the program's, which may follow.
  await dock.getByRole('button', { name: 'More about Club' }).click();
  await page.getByRole('menuitem', { name: 'Change' }).click();
  const change = page.getByRole('dialog', { name: 'Change “Club”' });
  await expect(change.getByRole('combobox', { name: 'Picture' })).toHaveValue('360');
  await change.getByRole('combobox', { name: 'Picture' }).selectOption("The program's, as viewers get it");
  await change.getByRole('checkbox', { name: /^Lower the program's picture/ }).check();
  await page.screenshot({ path: info.outputPath('follow.png') });
  await change.getByRole('button', { name: 'Save' }).click();
  await expect(change).toHaveCount(0);
  const [now] = (await klieg.snapshot()).destinations;
  expect(now).toMatchObject({ follow: true });
  expect(now?.rendition).toBeUndefined();
});
