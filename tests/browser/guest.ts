/** A guest's camera and microphone made of a canvas and an oscillator, so that a test knows what has to come out. */
import { type Page, expect } from '@playwright/test';
import type { Klieg } from './klieg.ts';

export interface Camera {
  /** What fills the picture. */
  color: string;
  /** The tone, in Hz, and its level as the amplitude of a sine. */
  tone: number;
  amplitude: number;
  /** Whether the picture carries the time, in milliseconds since 1970, as the test signal carries its counter. */
  clock: boolean;
  /** Whether each second is marked: for a tenth of it a box at the upper right is white, and the tone is silent. */
  marks?: boolean;
}

/** From the next page on, what this browser calls its camera and microphone. */
export async function pretend(page: Page, camera: Camera): Promise<void> {
  await page.addInitScript(({ color, tone, amplitude, clock, marks }) => {
    const [width, height] = [1280, 720];
    const draw = (context: CanvasRenderingContext2D, turn: number, second: number): void => {
      context.fillStyle = color;
      context.fillRect(0, 0, width, height);
      if (marks) {
        context.fillStyle = second % 1 < 0.1 ? '#ffffff' : '#000000';
        context.fillRect((width * 13) / 16, height / 16, width / 8, height / 8);
      }
      // Something moves, so that the encoder has something to do.
      context.fillStyle = '#ffffff';
      context.fillRect(turn % width, 40, 40, 40);
      if (!clock) return;
      const number = Date.now() % 2 ** 32;
      let check = 0;
      for (let group = 0; group < 8; group += 1) check ^= Math.floor(number / 16 ** group) % 16;
      const bits = `1010${number.toString(2).padStart(32, '0')}${check.toString(2).padStart(4, '0')}`;
      const cell = width / 40;
      [...bits].forEach((bit, at) => {
        context.fillStyle = bit === '1' ? '#ffffff' : '#000000';
        context.fillRect(at * cell, height - cell, cell, cell);
      });
    };
    navigator.mediaDevices.getUserMedia = async () => {
      const canvas = Object.assign(document.createElement('canvas'), { width, height });
      const context = canvas.getContext('2d')!;
      const audio = new AudioContext({ sampleRate: 48_000 });
      let turn = 0;
      const next = (): void => draw(context, (turn += 8), audio.currentTime);
      setInterval(next, 1000 / 30);
      next();
      const oscillator = new OscillatorNode(audio, { frequency: tone });
      const gain = new GainNode(audio, { gain: amplitude });
      const out = audio.createMediaStreamDestination();
      for (let second = 1; marks && second < 300; second += 1) {
        gain.gain.setValueAtTime(0, second);
        gain.gain.setValueAtTime(amplitude, second + 0.1);
      }
      oscillator.connect(gain).connect(out);
      oscillator.start();
      return new MediaStream([...canvas.captureStream(30).getVideoTracks(), ...out.stream.getAudioTracks()]);
    };
  }, camera);
}

/** Has the studio show an empty scene, and invites a guest; the key of their link. */
export async function invite(klieg: Klieg, name: string, channel: string): Promise<string> {
  await klieg.command({ command: 'create_link', link: { kind: 'guest', name, channel } });
  const link = (await klieg.snapshot()).access.find((one) => one.channel === channel);
  return link?.secret ?? '';
}

/** An empty scene on the program. */
export async function emptyScene(klieg: Klieg): Promise<void> {
  await klieg.command({ command: 'edit', edit: { edit: 'add_scene', id: 'guests', name: 'Guests' } });
  await klieg.command({ command: 'edit', edit: { edit: 'switch_scene', id: 'guests' } });
}

/** Opens the guest's page by their link, and starts. */
export async function comeAs(page: Page, klieg: Klieg, channel: string, key: string): Promise<void> {
  await page.goto(`${klieg.http}/broadcast?channel=${channel}&key=${key}`);
  const turnOn = page.getByRole('button', { name: 'Turn on camera and microphone' });
  await turnOn.or(page.locator('.preview video')).first().waitFor();
  if (await turnOn.isVisible()) await turnOn.click();
  await expect(page.locator('.preview video')).toBeVisible();
  await page.getByRole('button', { name: 'Start the broadcast' }).click();
}
