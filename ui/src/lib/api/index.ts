export type * from './bindings';
export { ProblemError, asProblem, problemFrom } from './problem';
export { channel, channels, trust } from './station';
