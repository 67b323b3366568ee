/** What all sound of this page runs through; made when it is first needed. */
let shared: AudioContext | null = null;

export function context(): AudioContext {
  if (!shared) {
    shared = new AudioContext({ latencyHint: 'interactive' });
    // Browsers let sound run only after a person pressed something, and stop it for a telephone call.
    for (const event of ['pointerdown', 'keydown']) addEventListener(event, () => run());
  }
  run();
  return shared;
}

function run(): void {
  if (shared && shared.state !== 'running') void shared.resume().catch(() => undefined);
}

/** A sound that can be sent, and what has to be ended with it. */
export interface Sound {
  readonly track: MediaStreamTrack;
  close(): void;
}

/**
 * One track out of any number: the track itself, several mixed, or silence. A session always carries
 * sound, so that another source can take its place without a new one.
 */
export function soundOf(tracks: readonly MediaStreamTrack[]): Sound {
  const [only] = tracks;
  if (only && tracks.length === 1) return { track: only, close: () => only.stop() };
  const destination = context().createMediaStreamDestination();
  const sources = tracks.map((track) => context().createMediaStreamSource(new MediaStream([track])));
  for (const source of sources) source.connect(destination);
  // Without an input a destination gives no samples at all, which is not silence.
  const hush = context().createConstantSource();
  hush.offset.value = 0;
  hush.connect(destination);
  hush.start();
  const [track] = destination.stream.getAudioTracks();
  if (!track) throw new Error('an audio destination without a track');
  const close = (): void => {
    hush.stop();
    for (const source of sources) source.disconnect();
    for (const one of [...tracks, track]) one.stop();
  };
  return { track, close };
}

/** Calls back with the peak of a track, in dBFS down to −60, as often as the page is drawn. */
export function follow(track: MediaStreamTrack, tell: (peak: number) => void): () => void {
  const source = context().createMediaStreamSource(new MediaStream([track]));
  const analyser = new AnalyserNode(context(), { fftSize: 1024 });
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let handle = 0;
  let shown = -60;
  const look = (): void => {
    analyser.getFloatTimeDomainData(samples);
    shown = fall(shown, peakOf(samples));
    tell(shown);
    handle = requestAnimationFrame(look);
  };
  look();
  return () => {
    cancelAnimationFrame(handle);
    source.disconnect();
  };
}

/** The largest sample in dBFS, −60 at least. */
export function peakOf(samples: Float32Array): number {
  let largest = 0;
  for (const sample of samples) largest = Math.max(largest, Math.abs(sample));
  return Math.max(-60, 20 * Math.log10(largest || 1e-6));
}

/** A needle that rises at once and falls by 1.2 dB with each picture. */
export function fall(shown: number, peak: number): number {
  return Math.max(peak, shown - 1.2, -60);
}
