/**
 * How old a guest's picture is in the program: printed beside its target by `cargo xtask bench`,
 * asserted nowhere. The guest's browser encodes on the same machine.
 */
import { comeAs, emptyScene, invite, pretend } from '../guest.ts';
import { expect, test } from '../klieg.ts';

const LOOKS = 150;

test.use({ permissions: ['camera', 'microphone'], onAir: false });

test('from a guest’s camera to the program', async ({ page, context, klieg }) => {
  test.setTimeout(180_000);
  await emptyScene(klieg);
  const key = await invite(klieg, 'Maria', 'maria');
  const guest = await context.newPage();
  await pretend(guest, { color: '#10a040', tone: 440, amplitude: 0.1, clock: true });
  await comeAs(guest, klieg, 'maria', key);
  await expect(guest.locator('.screen')).toHaveAttribute('data-phase', 'held', { timeout: 30_000 });
  await klieg.command({ command: 'admit_publisher', channel: 'maria' });
  await klieg.command({
    command: 'edit',
    edit: {
      edit: 'add_source',
      scene: 'guests',
      source: { id: 'maria', name: 'Maria', audio: { gain_db: 0, muted: false, pan: 0 }, kind: 'channel', settings: { channel: 'maria' } },
      item: {
        id: 'maria',
        source: 'maria',
        rect: { x: 0, y: 0, width: 1280, height: 720 },
        fit: 'contain',
        crop: { left: 0, top: 0, right: 0, bottom: 0 },
        rotation: 0,
        opacity: 1,
        visible: true,
        locked: false,
        flip_h: false,
        flip_v: false,
      },
    },
  });
  await expect(guest.locator('.screen')).toHaveAttribute('data-phase', 'backstage', { timeout: 30_000 });

  await page.goto(klieg.http);
  const { epoch_ms: epoch } = (await (await fetch(`${klieg.http}/healthz`)).json()) as { epoch_ms: number };
  const url = `${klieg.http.replace('http', 'ws')}/api/preview?token=${klieg.ready.control_token}`;
  // The program's picture carries the time of its tick, and in its lower edge the time at which the guest's was painted.
  const ages = await page.evaluate(
    async ([address, began, looks]) => {
      const socket = new WebSocket(address);
      socket.binaryType = 'arraybuffer';
      const found: number[] = [];
      const read = (picture: ImageBitmap): number | null => {
        const { width, height } = picture;
        const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
        context.drawImage(picture, 0, 0);
        const cell = width / 40;
        const luma = Array.from({ length: 40 }, (_, at) => context.getImageData(Math.round((at + 0.5) * cell), Math.round(height - cell / 2), 1, 1).data[1]!);
        const halfway = (luma[0]! + luma[1]! + luma[2]! + luma[3]!) / 4;
        const bits = luma.map((value) => (value > halfway ? 1 : 0)).join('');
        let check = 0;
        for (let group = 0; group < 8; group += 1) check ^= Number.parseInt(bits.slice(4 + group * 4, 8 + group * 4), 2);
        const whole = bits.startsWith('1010') && check === Number.parseInt(bits.slice(36), 2);
        return whole ? Number.parseInt(bits.slice(4, 36), 2) : null;
      };
      while (found.length < looks) {
        const message = await new Promise<ArrayBuffer>((resolve) => (socket.onmessage = ({ data }) => resolve(data as ArrayBuffer)));
        const picture = await createImageBitmap(new Blob([message.slice(16)], { type: 'image/jpeg' }));
        const painted = read(picture);
        picture.close();
        const tick = began + Number(new DataView(message).getBigUint64(8, true)) / 1e6;
        if (painted !== null) found.push((tick % 2 ** 32) - painted);
        socket.send(message.slice(0, 8));
      }
      socket.close();
      return found;
    },
    [url, epoch, LOOKS] as const,
  );
  ages.sort((a, b) => a - b);
  const at = (share: number): string => `${ages[Math.floor(share * (ages.length - 1))]!.toFixed(0)}`;
  const row = (name: string, value: string, target: string): void => console.log(`  ${name.padEnd(34)}${value.padStart(12)}  ${target}`);
  row('guest’s camera to program, median', `${at(0.5)} ms`, 'at most 300 ms');
  row('best, 95 % and worst', `${at(0)}, ${at(0.95)}, ${at(1)} ms`, `${ages.length} pictures`);
});
