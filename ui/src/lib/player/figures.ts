/** What the player knows about its own reception. */
export interface Figures {
  width: number;
  height: number;
  fps: number;
  /** Bits per second received. */
  bitrate: number;
  /** Packets that never came (WebRTC). */
  lost: number | null;
  /** Pictures that came too late to be shown. */
  dropped: number;
  /** Round trip in ms (WebRTC). */
  rtt: number | null;
  /** How old the picture is when it is shown, in ms; nothing while unknown. */
  behind: number | null;
  codec: string;
}

/** The counters of `RTCInboundRtpStreamStats` that matter here, and the round trip in seconds. */
export interface Sample {
  at: number;
  bytes: number;
  frames: number;
  dropped: number;
  lost: number;
  width: number;
  height: number;
  fps: number;
  rtt: number | null;
  /** Seconds, summed over frames, from first packet to decoded picture. */
  processing: number;
  codec: string;
}

/**
 * Figures from two samples. `behind` is what this device can measure by itself: half a round trip
 * on the way, and the time from first packet to decoded picture, which holds the jitter buffer and
 * the decoder.
 */
export function figures(before: Sample | null, now: Sample): Figures {
  const span = before ? (now.at - before.at) / 1000 : 0;
  const frames = before ? now.frames - before.frames : now.frames;
  const processing = before ? now.processing - before.processing : now.processing;
  const perFrame = frames > 0 ? (processing / frames) * 1000 : null;
  return {
    width: now.width,
    height: now.height,
    fps: now.fps || (span > 0 ? frames / span : 0),
    bitrate: before && span > 0 ? ((now.bytes - before.bytes) * 8) / span : 0,
    lost: now.lost,
    dropped: now.dropped,
    rtt: now.rtt === null ? null : now.rtt * 1000,
    behind: perFrame === null ? null : perFrame + ((now.rtt ?? 0) * 1000) / 2,
    codec: now.codec,
  };
}

/** A {@link Sample} out of a statistics report; nothing before the first picture. */
export function sample(report: RTCStatsReport): Sample | null {
  let video: Record<string, unknown> | null = null;
  let bytes = 0;
  let pair: Record<string, unknown> | null = null;
  report.forEach((entry: Record<string, unknown>) => {
    if (entry['type'] === 'inbound-rtp') {
      bytes += number(entry['bytesReceived']);
      if (entry['kind'] === 'video') video = entry;
    }
    if (entry['type'] === 'candidate-pair' && entry['nominated'] === true && entry['state'] === 'succeeded') pair = entry;
  });
  const inbound = video as Record<string, unknown> | null;
  if (!inbound || number(inbound['framesDecoded']) === 0) return null;
  const codec = report.get(String(inbound['codecId'])) as Record<string, unknown> | undefined;
  const rtt = (pair as Record<string, unknown> | null)?.['currentRoundTripTime'];
  return {
    at: number(inbound['timestamp']),
    bytes,
    frames: number(inbound['framesDecoded']),
    dropped: number(inbound['framesDropped']),
    lost: number(inbound['packetsLost']),
    width: number(inbound['frameWidth']),
    height: number(inbound['frameHeight']),
    fps: number(inbound['framesPerSecond']),
    rtt: typeof rtt === 'number' ? rtt : null,
    processing: number(inbound['totalProcessingDelay'] ?? inbound['totalDecodeTime']),
    codec: String(codec?.['mimeType'] ?? 'video/H264').replace('video/', ''),
  };
}

/** Bytes of each kind that have come. */
export function received(report: RTCStatsReport): { picture: number; sound: number } {
  const bytes = { picture: 0, sound: 0 };
  report.forEach((entry: Record<string, unknown>) => {
    if (entry['type'] !== 'inbound-rtp') return;
    bytes[entry['kind'] === 'video' ? 'picture' : 'sound'] += number(entry['bytesReceived']);
  });
  return bytes;
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
