/**
 * What a browser leaves out of its offer by itself. Chromium and Safari decode Opus in mono unless
 * their own description asks for stereo (RFC 7587, section 6.1).
 */
export function askForStereo(sdp: string): string {
  const opus = /^a=rtpmap:(\d+) opus\/48000\/2\r?$/im.exec(sdp)?.[1];
  if (!opus) return sdp;
  const fmtp = new RegExp(`^(a=fmtp:${opus} )(.*?)(\\r?)$`, 'm');
  if (!fmtp.test(sdp)) return sdp;
  return sdp.replace(fmtp, (line, head: string, parameters: string, end: string) =>
    /(^|;)\s*stereo=/.test(parameters) ? line : `${head}${parameters};stereo=1${end}`,
  );
}

/** Whether this browser's WebRTC can show H.264, the only picture the station sends. */
export function receivesH264(capabilities: { codecs: readonly { mimeType: string }[] } | null): boolean {
  return capabilities?.codecs.some((codec) => codec.mimeType.toLowerCase() === 'video/h264') ?? false;
}
