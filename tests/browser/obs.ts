/** OBS Studio on a display that nobody sees, streaming a film of a moving picture and a steady tone. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const hasObs = ['/usr/bin/obs', '/usr/bin/Xvfb', '/usr/bin/ffmpeg'].every(existsSync);

const json = (value: unknown): string => JSON.stringify(value);

/** Where OBS looks for what people set in it. */
async function configure(home: string, film: string, server: string, key: string): Promise<void> {
  const obs = join(home, '.config/obs-studio');
  const profile = join(obs, 'basic/profiles/klieg');
  const scenes = join(obs, 'basic/scenes');
  await mkdir(profile, { recursive: true });
  await mkdir(scenes, { recursive: true });
  const global = [
    ...['[General]', 'FirstRun=true', 'EnableAutoUpdates=false', 'LastVersion=486539266'],
    ...['[Basic]', 'Profile=klieg', 'ProfileDir=klieg', 'SceneCollection=klieg', 'SceneCollectionFile=klieg'],
    ...['[BasicWindow]', 'WarnBeforeStartingStream=false', ''],
  ];
  const basic = [
    ...['[General]', 'Name=klieg', '[Output]', 'Mode=Advanced'],
    ...['[AdvOut]', 'Encoder=obs_x264', 'TrackIndex=1', 'ApplyServiceSettings=false'],
    ...['[Video]', 'BaseCX=320', 'BaseCY=180', 'OutputCX=320', 'OutputCY=180', 'FPSType=0', 'FPSCommon=30'],
    ...['[Audio]', 'SampleRate=48000', 'ChannelSetup=Stereo', ''],
  ];
  const encoder = { rate_control: 'CBR', bitrate: 1000, keyint_sec: 1, preset: 'veryfast', profile: 'baseline', tune: 'zerolatency' };
  const service = { type: 'rtmp_custom', settings: { server, key, use_auth: false } };
  const item = { name: 'Film', id: 1, visible: true, rot: 0, align: 5, pos: { x: 0, y: 0 }, scale: { x: 1, y: 1 } };
  const collection = {
    ...{ name: 'klieg', current_scene: 'Scene', current_program_scene: 'Scene', scene_order: [{ name: 'Scene' }] },
    sources: [
      { id: 'scene', name: 'Scene', settings: { id_counter: 1, items: [item] } },
      { id: 'ffmpeg_source', name: 'Film', mixers: 255, volume: 1, settings: { local_file: film, is_local_file: true, looping: true } },
    ],
  };
  await writeFile(join(obs, 'global.ini'), global.join('\n'));
  await writeFile(join(profile, 'basic.ini'), basic.join('\n'));
  await writeFile(join(profile, 'streamEncoder.json'), json(encoder));
  await writeFile(join(profile, 'service.json'), json(service));
  await writeFile(join(scenes, 'klieg.json'), json(collection));
}

/** A running OBS, its display and its folder. */
export class Obs {
  private constructor(
    private readonly home: string,
    private readonly processes: ChildProcess[],
  ) {}

  /** Streams to a server by its own RTMP output; `amplitude` is that of its tone of 1 kHz. */
  static async start(server: string, key: string, amplitude: number): Promise<Obs> {
    const home = await mkdtemp(join(tmpdir(), 'klieg-obs-'));
    const film = join(home, 'film.mkv');
    const tone = `${amplitude}*sin(2*PI*1000*t)`;
    const input = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=30', '-f', 'lavfi', '-i', `aevalsrc='${tone}|${tone}':s=48000:c=stereo`];
    const coded = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'pcm_s16le'];
    execFileSync('ffmpeg', ['-v', 'error', '-y', ...input, '-t', '240', ...coded, film]);
    await configure(home, film, server, key);
    const screen = ['-screen', '0', '1280x720x24', '-nolisten', 'tcp', '-noreset'];
    const xvfb = spawn('Xvfb', ['-displayfd', '1', ...screen], { stdio: ['ignore', 'pipe', 'ignore'] });
    const number = await new Promise<string>((resolve) => createInterface({ input: xvfb.stdout }).once('line', resolve));
    const env = {
      ...process.env,
      ...{ HOME: home, XDG_CONFIG_HOME: join(home, '.config'), DISPLAY: `:${number}` },
      ...{ QT_QPA_PLATFORM: 'xcb', LIBGL_ALWAYS_SOFTWARE: '1' },
    };
    const args = ['--startstreaming', '--multi', '--disable-updater', '--profile', 'klieg', '--collection', 'klieg'];
    const obs = spawn('obs', args, { stdio: 'ignore', env });
    return new Obs(home, [obs, xvfb]);
  }

  async stop(): Promise<void> {
    for (const child of this.processes) {
      const left = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await left;
    }
    await rm(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}
