/** Links for any channel: they lead to the list, and open each channel from there. */
import { spawn } from 'node:child_process';
import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { type Klieg, expect, test } from './klieg.ts';
import { has } from './peers.ts';
import { plays } from './picture.ts';

test.use({ onAir: false, settings: ['ingest.policy=open'] });

/** The secret of a link for any channel. */
async function secret(klieg: Klieg, kind: 'watch' | 'moderate'): Promise<string> {
  await klieg.command({ command: 'create_link', link: { kind, name: `To ${kind}` } });
  const made = (await klieg.snapshot()).access.find((link) => link.kind === kind);
  return made?.secret ?? '';
}

const asks = (page: Page) => page.getByRole('textbox', { name: 'Passphrase of this private channel' });

test('a private channel opens from the list to whoever came with a link for any, who keeps order with one to moderate', async ({ browser, klieg }) => {
  test.skip(!has.ffmpeg, 'FFmpeg is not installed');
  const device = async (): Promise<Page> => (await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' })).newPage();
  const [stranger, friend, moderator] = [await device(), await device(), await device()];
  await klieg.command({ command: 'set_passphrase', channel: 'stage', passphrase: 'nobody will guess this' });
  const input = ['-re', '-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=30', '-c:v', 'libx264', '-profile:v', 'baseline', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '30'];
  const stage = spawn('ffmpeg', ['-v', 'error', ...input, '-pix_fmt', 'yuv420p', '-t', '300', '-f', 'flv', `${klieg.ready.rtmp}/stage`], { stdio: 'ignore' });
  const card = (page: Page) => page.getByRole('link', { name: /^LIVE.*stage/ });
  try {
    await stranger.goto(klieg.http);
    await card(stranger).click();
    await expect(asks(stranger)).toBeVisible();

    await friend.goto(`${klieg.http}/?key=${await secret(klieg, 'watch')}`);
    await expect(friend).toHaveURL(`${klieg.http}/`);
    await card(friend).click();
    await plays(friend, 'webrtc');
    await expect(asks(friend)).toHaveCount(0);
    await clean(friend);

    const right = await secret(klieg, 'moderate');
    await moderator.goto(`${klieg.http}/#moderate=${right}`);
    await expect(moderator).toHaveURL(`${klieg.http}/`);
    await card(moderator).click();
    await expect(moderator.getByText('You moderate')).toBeVisible();
    await plays(moderator, 'webrtc');
    // As long as the tab lasts, for this channel and any other.
    await moderator.reload();
    await expect(moderator.getByText('You moderate')).toBeVisible();
    await moderator.goto(`${klieg.http}/watch/program`);
    await expect(moderator.getByText('You moderate')).toBeVisible();

    const link = (await klieg.snapshot()).access.find((one) => one.secret === right);
    await klieg.command({ command: 'revoke_link', id: link?.id ?? '' });
    await moderator.goto(`${klieg.http}/watch/stage`);
    await expect(moderator.getByRole('alert').filter({ hasText: 'Ask the host for a new one' })).toBeVisible();
    await moderator.reload();
    await expect(asks(moderator)).toBeVisible();
    await expect(moderator.getByRole('alert')).toHaveCount(0);
  } finally {
    stage.kill('SIGKILL');
  }
});
