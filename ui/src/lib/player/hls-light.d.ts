/** The build of hls.js without alternative audio, subtitles and protection; its types are the full one's. */
declare module 'hls.js/light' {
  export { default } from 'hls.js';
}
