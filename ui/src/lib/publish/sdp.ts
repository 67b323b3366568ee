interface Codec {
  readonly mimeType: string;
  readonly sdpFmtpLine?: string;
}

/**
 * The codecs a sender offers for video, in order of preference: H.264 alone, constrained baseline
 * (profile `42e0`) first, then baseline, then the rest; with what repairs it on the way. Empty when
 * this browser encodes no H.264.
 */
export function h264First<T extends Codec>(codecs: readonly T[]): T[] {
  const is = (codec: T, name: string): boolean => codec.mimeType.toLowerCase() === `video/${name}`;
  const found = codecs.filter((codec) => is(codec, 'h264'));
  if (found.length === 0) return [];
  const ranked = found.map((codec, at) => ({ codec, at, rank: rank(codec) })).sort((a, b) => a.rank - b.rank || a.at - b.at);
  return [...ranked.map((one) => one.codec), ...codecs.filter((codec) => is(codec, 'rtx') || is(codec, 'red') || is(codec, 'ulpfec'))];
}

function rank({ sdpFmtpLine = '' }: Codec): number {
  const profile = /profile-level-id=([0-9a-f]{4})/i.exec(sdpFmtpLine)?.[1]?.toLowerCase();
  const known = ['42e0', '4200', '4d00'].indexOf(profile ?? '');
  // Pictures in one packet each (mode 0) are of no use beyond the smallest.
  return (known < 0 ? 3 : known) + (/packetization-mode=1/.test(sdpFmtpLine) ? 0 : 10);
}

/**
 * Chromium begins at 300 kbps and feels its way up; on a local network the first seconds need not
 * look like that. Adds where to begin to every H.264 format of an answer.
 */
export function beginAt(sdp: string, bitrate: number): string {
  const kbps = Math.round(bitrate / 1000);
  const formats = [...sdp.matchAll(/^a=rtpmap:(\d+) H264\/90000\r?$/gim)];
  return formats.reduce(
    (text, [, format]) => text.replace(new RegExp(`^(a=fmtp:${format} [^\\r\\n]+)`, 'm'), `$1;x-google-start-bitrate=${kbps}`),
    sdp,
  );
}

/** Stereo is sent when the other side asks for it, which not every station does (RFC 7587, section 6.1). */
export function sendStereo(sdp: string): string {
  const opus = /^a=rtpmap:(\d+) opus\/48000\/2\r?$/im.exec(sdp)?.[1];
  if (!opus) return sdp;
  return sdp.replace(new RegExp(`^(a=fmtp:${opus} )([^\\r\\n]*)`, 'm'), (line, head: string, parameters: string) =>
    /(^|;)\s*stereo=/.test(parameters) ? line : `${head}${parameters};stereo=1`,
  );
}
