/** What a studio finds on the machine that it runs on, where a test brings it: a display, a sound server. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@playwright/test';

export interface Machine {
  /** What a program needs in its environment to find it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Whether a program is there. */
export const has = (program: string): boolean => spawnSync('which', [program]).status === 0;

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

/** An empty X display of this size. */
export async function display(width: number, height: number): Promise<Machine> {
  // It picks a free number and writes it to the fourth file.
  const screen = ['-displayfd', '3', '-screen', '0', `${width}x${height}x24`, '-nolisten', 'tcp', '-noreset'];
  const server = spawn('Xvfb', screen, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  let said = '';
  server.stdio[3]!.on('data', (data: Buffer) => (said += data.toString()));
  await expect.poll(() => said, { message: 'Xvfb names its display' }).toMatch(/^\d+\n/);
  return { env: { DISPLAY: `:${said.trim()}`, WAYLAND_DISPLAY: '', XDG_SESSION_TYPE: 'x11' }, stop: () => end(server) };
}

/** A sound server with one microphone, which hears a tone of 1 kHz; its files stand in `folder`. */
export async function microphone(folder: string): Promise<Machine> {
  await writeFile(join(folder, '.asoundrc'), 'pcm.!default { type pulse }\nctl.!default { type pulse }\n');
  const socket = join(folder, 'native');
  const lines = [
    `load-module module-native-protocol-unix socket=${socket} auth-anonymous=1`,
    'load-module module-null-sink sink_name=test rate=48000 channels=2',
    'load-module module-sine sink=test rate=48000 frequency=1000',
    'set-default-source test.monitor',
  ];
  await writeFile(join(folder, 'pa.conf'), lines.join('\n'));
  const env = { HOME: folder, XDG_RUNTIME_DIR: folder };
  const args = ['-n', '-F', join(folder, 'pa.conf'), '--daemonize=no', '--exit-idle-time=-1', '--disallow-exit', '--use-pid-file=no'];
  const server = spawn('pulseaudio', args, { stdio: 'ignore', env: { ...process.env, ...env } });
  const listens = (): Promise<boolean> => access(socket).then(() => true, () => false);
  await expect.poll(listens, { message: 'the sound server listens' }).toBe(true);
  return { env: { ...env, PULSE_SERVER: `unix:${socket}` }, stop: () => end(server) };
}
