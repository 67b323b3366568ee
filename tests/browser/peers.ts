/** Viewers that are no browsers: aiortc over WHEP, FFmpeg's tools over HLS. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Klieg } from './klieg.ts';

export const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Made by the tests of the protocols, which run first. */
export const aiortc = here('../../target/tmp/aiortc/bin/python');

export const has = { aiortc: existsSync(aiortc), ffmpeg: existsSync('/usr/bin/ffmpeg') && existsSync('/usr/bin/ffprobe') };

/** What somebody saw and heard: pixels, and dBFS at the tone's peak. */
export interface Watched {
  width: number;
  height: number;
  pictures: number;
  peak: number;
}

interface Line {
  event: string;
  sdp: string;
  count: number;
  width: number;
  height: number;
  level: number;
}

/** Watches with aiortc until there were enough pictures and sounds; a line that never comes ends with the test. */
export async function byAiortc(klieg: Klieg, channel: string, pictures: number): Promise<Watched> {
  const child = spawn(aiortc, [here('../protocols/whep_viewer.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const watched: Watched = { width: 0, height: 0, pictures: 0, peak: -Infinity };
  let sounds = 0;
  try {
    for await (const text of createInterface({ input: child.stdout })) {
      const line = JSON.parse(text) as Line;
      if (line.event === 'offer') {
        const headers = { 'Content-Type': 'application/sdp' };
        const answer = await fetch(`${klieg.http}/${channel}/whep`, { method: 'POST', headers, body: line.sdp });
        if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`);
        child.stdin.write(`${JSON.stringify(await answer.text())}\n`);
      } else if (line.event === 'video') {
        Object.assign(watched, { width: line.width, height: line.height, pictures: line.count });
      } else if (line.event === 'audio') {
        sounds = line.count;
        // The first blocks fade in.
        if (sounds > 50) watched.peak = 20 * Math.log10(line.level);
      }
      if (watched.pictures >= pictures && sounds > 50) break;
    }
    return watched;
  } finally {
    child.kill('SIGKILL');
  }
}

const run = promisify(execFile);

/** Reads three seconds of the playlist with FFmpeg's tools. */
export async function byFfmpeg(klieg: Klieg, channel: string): Promise<Watched> {
  const url = `${klieg.http}/hls/${channel}/index.m3u8`;
  const entries = ['-show_entries', 'stream=codec_type,codec_name,width,height', '-of', 'json'];
  const { stdout } = await run('ffprobe', ['-v', 'error', '-rw_timeout', '20000000', ...entries, url]);
  const { streams } = JSON.parse(stdout) as { streams: { codec_type: string; codec_name: string; width: number; height: number }[] };
  const of = (kind: string, codec: string) => {
    const found = streams.find((stream) => stream.codec_type === kind && stream.codec_name === codec);
    if (!found) throw new Error(`no ${codec} in ${stdout}`);
    return found;
  };
  of('audio', 'aac');
  const { width, height } = of('video', 'h264');
  // The usual peak of a twentieth of a second: codecs overshoot where a tone begins and ends.
  const key = 'lavfi.astats.Overall.Peak_level';
  const measure = `asetnsamples=2400,astats=metadata=1:reset=1:measure_perchannel=none,ametadata=mode=print:key=${key}:file=-`;
  const sound = await run('ffmpeg', ['-v', 'error', '-rw_timeout', '20000000', '-i', url, '-t', '3', '-map', '0:a', '-af', measure, '-f', 'null', '-']);
  const peaks = [...sound.stdout.matchAll(/Peak_level=(-?[\d.]+)/g)].map((one) => Number(one[1])).sort((a, b) => a - b);
  const summary = await run('ffprobe', ['-v', 'error', '-rw_timeout', '20000000', '-select_streams', 'v', '-count_frames', '-read_intervals', '%+3', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', url]);
  const pictures = Number(/\d+/.exec(summary.stdout)?.[0] ?? 0);
  return { width, height, pictures, peak: peaks[peaks.length >> 1] ?? Number.NaN };
}
