import type { Canvas, Crawl, Gradient, Item, Playing, Rect, SourceKind, TextStyle } from '$lib/api';

/** What new sources and items begin with. */

export type Kind = SourceKind['kind'];

export const plainText: TextStyle = {
  font: 'Inter',
  size: 48,
  bold: false,
  italic: false,
  color: '#ffffff',
  gradient: null,
  align: 'start',
  wrap: 0,
  line_spacing: 1.25,
  letter_spacing: 0,
  background: null,
  padding: 0,
  radius: 0,
  outline: null,
  outline_width: 0,
  shadow: false,
  shadow_look: null,
};

export const plainPlaying: Playing = { more: [], shuffle: false, speed: 1, autoplay: true, hidden: 'pause', clear: false };

export const plainGradient: Gradient = {
  shape: 'linear',
  angle: 180,
  stops: [
    { at: 0, color: '#1d3557' },
    { at: 1, color: '#0f1012' },
  ],
};

export const plainCrawl: Crawl = { direction: 'left', speed: 120, gap: null, span: 0 };

/** Figures that tell something, over video. */
const told: TextStyle = { ...plainText, size: 64, bold: true, background: '#0f1012cc', padding: 16, radius: 8 };

/** The settings a new source of a kind begins with. */
export function fresh(kind: Kind): SourceKind {
  switch (kind) {
    case 'camera':
      return { kind, settings: { device: '', width: 0, height: 0, fps: 0 } };
    case 'microphone':
      return { kind, settings: { device: '' } };
    case 'screen':
      return { kind, settings: { device: '', area: null, pointer: true } };
    case 'window':
      return { kind, settings: { device: '', area: null, pointer: true } };
    case 'media':
      return { kind, settings: { path: '', looped: true, playing: plainPlaying } };
    case 'image':
      return { kind, settings: { path: '' } };
    case 'text':
      return { kind, settings: { text: '', style: { ...plainText, background: '#0f1012cc', padding: 20 }, file: null, crawl: null } };
    case 'color':
      return { kind, settings: { color: '#1d3557' } };
    case 'gradient':
      return { kind, settings: plainGradient };
    case 'slide_show':
      return { kind, settings: { files: [], folder: '', seconds: 5, fade_ms: 500, shuffle: false, looped: true } };
    case 'clock':
      return { kind, settings: { format: '%H:%M:%S', zone: '', style: told } };
    case 'countdown':
      return {
        kind,
        settings: { target: { to: 'duration', seconds: 300 }, layout: 'auto', template: '{time}', end: { then: 'stay' }, autostart: true, style: told },
      };
    case 'stopwatch':
      return { kind, settings: { layout: 'auto', template: '{time}', autostart: false, style: told } };
    case 'viewer_count':
      return { kind, settings: { channel: 'program', template: '{viewers} watching', style: { ...told, size: 32 } } };
    case 'chat':
      return {
        kind,
        settings: {
          channel: 'program',
          width: 480,
          height: 560,
          count: 12,
          fade_after: 0,
          newest: 'bottom',
          name_color: null,
          style: { ...plainText, size: 26, background: '#0f101299', padding: 8, radius: 8 },
        },
      };
    case 'channel':
      return { kind, settings: { channel: '' } };
    case 'remote':
      return { kind, settings: { url: '' } };
    case 'test_signal':
      return { kind, settings: { pattern: 'bars' } };
    case 'scene':
      return { kind, settings: { scene: '' } };
  }
}

/** Where a new item of a kind begins: the whole canvas, text in the lower third. */
export function place(kind: Kind, canvas: Canvas): Rect {
  const { width, height } = canvas;
  const round = (n: number): number => Math.round(n);
  // What tells the time stands in the upper right, a chat on the right.
  if (kind === 'clock' || kind === 'countdown' || kind === 'stopwatch' || kind === 'viewer_count') {
    return { x: round(width * 0.73), y: round(height * 0.05), width: round(width * 0.22), height: round(height * 0.12) };
  }
  if (kind === 'chat') {
    return { x: width - 480 - 24, y: Math.max(0, height - 560 - 24), width: 480, height: Math.min(560, height) };
  }
  if (kind !== 'text') return { x: 0, y: 0, width, height };
  return { x: round(width * 0.05), y: round(height * 0.76), width: round(width * 0.6), height: round(height * 0.16) };
}

export function freshItem(id: string, source: string, rect: Rect): Item {
  return {
    id,
    source,
    rect,
    fit: 'contain',
    crop: { left: 0, top: 0, right: 0, bottom: 0 },
    rotation: 0,
    opacity: 1,
    visible: true,
    locked: false,
    flip_h: false,
    flip_v: false,
  };
}
