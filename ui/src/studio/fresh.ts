import type { Canvas, Item, Rect, SourceKind, TextStyle } from '$lib/api';

/** What new sources and items begin with. */

export type Kind = SourceKind['kind'];

export const plainText: TextStyle = {
  font: 'Inter',
  size: 48,
  bold: false,
  color: '#ffffff',
  background: null,
  padding: 0,
  outline: null,
  outline_width: 0,
  shadow: false,
};

/** The settings a new source of a kind begins with. */
export function fresh(kind: Kind): SourceKind {
  switch (kind) {
    case 'camera':
      return { kind, settings: { device: '', width: 0, height: 0, fps: 0 } };
    case 'microphone':
      return { kind, settings: { device: '' } };
    case 'screen':
      return { kind, settings: { device: '', area: null, pointer: true } };
    case 'media':
      return { kind, settings: { path: '', looped: true } };
    case 'image':
      return { kind, settings: { path: '' } };
    case 'text':
      return { kind, settings: { text: '', style: { ...plainText, background: '#0f1012cc', padding: 20 } } };
    case 'color':
      return { kind, settings: { color: '#1d3557' } };
    case 'test_signal':
      return { kind, settings: { pattern: 'bars' } };
  }
}

/** Where a new item of a kind begins: the whole canvas, text in the lower third. */
export function place(kind: Kind, canvas: Canvas): Rect {
  const { width, height } = canvas;
  if (kind !== 'text') return { x: 0, y: 0, width, height };
  const round = (n: number): number => Math.round(n);
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
  };
}
