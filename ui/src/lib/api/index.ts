export type * from './bindings';
export { FILTERS, PLATFORMS, TRANSITIONS } from './bindings';
export { ProblemError, asProblem, problemFrom } from './problem';
export { doctorFacts, tellHost } from './doctor';
export { enter } from './entry';
export { type IngestInfo, ingest } from './ingest';
export { channel, channels, ownBroadcast, trust } from './station';
