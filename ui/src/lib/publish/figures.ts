/** What a publisher knows about its own sending. */
export interface Figures {
  width: number;
  height: number;
  fps: number;
  /** Bits per second that leave. */
  bitrate: number;
  /** Round trip in ms. */
  rtt: number | null;
  /** The share of packets that did not arrive, 0..1, as the station last reported. */
  loss: number | null;
  /** Why the picture is smaller or slower than asked for. */
  limited: 'cpu' | 'bandwidth' | null;
  codec: string;
}

/** The counters of a report that matter here. */
export interface Sample {
  /** ms. */
  at: number;
  bytes: number;
  frames: number;
  width: number;
  height: number;
  fps: number;
  /** Seconds. */
  rtt: number | null;
  loss: number | null;
  limited: string;
  codec: string;
}

/** Figures from two samples of the same session. */
export function figures(before: Sample | null, now: Sample): Figures {
  const span = before ? (now.at - before.at) / 1000 : 0;
  return {
    width: now.width,
    height: now.height,
    fps: now.fps || (before && span > 0 ? (now.frames - before.frames) / span : 0),
    bitrate: before && span > 0 ? Math.max(0, ((now.bytes - before.bytes) * 8) / span) : 0,
    rtt: now.rtt === null ? null : now.rtt * 1000,
    loss: now.loss,
    limited: now.limited === 'cpu' || now.limited === 'bandwidth' ? now.limited : null,
    codec: now.codec,
  };
}

/** A {@link Sample} out of a statistics report; nothing before the first picture has left. */
export function sample(report: RTCStatsReport): Sample | null {
  type Entry = Record<string, unknown>;
  const entries: Entry[] = [];
  report.forEach((entry: Entry) => entries.push(entry));
  const of = (type: string, kind?: string): Entry[] =>
    entries.filter((entry) => entry['type'] === type && (kind === undefined || entry['kind'] === kind));
  const [video] = of('outbound-rtp', 'video');
  if (!video || number(video['framesEncoded']) === 0) return null;
  const pair = of('candidate-pair').find((entry) => entry['nominated'] === true && entry['state'] === 'succeeded');
  const [heard] = of('remote-inbound-rtp', 'video');
  const codec = report.get(String(video['codecId'])) as Entry | undefined;
  const rtt = pair?.['currentRoundTripTime'] ?? heard?.['roundTripTime'];
  const loss = heard?.['fractionLost'];
  return {
    at: number(video['timestamp']),
    bytes: of('outbound-rtp').reduce((sum, entry) => sum + number(entry['bytesSent']), 0),
    frames: number(video['framesEncoded']),
    width: number(video['frameWidth']),
    height: number(video['frameHeight']),
    fps: number(video['framesPerSecond']),
    rtt: typeof rtt === 'number' ? rtt : null,
    loss: typeof loss === 'number' ? loss : null,
    limited: String(video['qualityLimitationReason'] ?? 'none'),
    codec: String(codec?.['mimeType'] ?? 'video/H264').replace('video/', ''),
  };
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
