import Blend from '@lucide/svelte/icons/blend';
import Camera from '@lucide/svelte/icons/camera';
import Clapperboard from '@lucide/svelte/icons/clapperboard';
import ImageIcon from '@lucide/svelte/icons/image';
import Mic from '@lucide/svelte/icons/mic';
import Monitor from '@lucide/svelte/icons/monitor';
import Tv from '@lucide/svelte/icons/tv-minimal';
import Type from '@lucide/svelte/icons/type';
import type { Component } from 'svelte';
import type { Canvas, Device, Devices, Item, Rect, SourceKind, SourceState, TextStyle } from '$lib/api';

export type Kind = SourceKind['kind'];

export interface KindInfo {
  readonly kind: Kind;
  /** As people read it. */
  readonly name: string;
  /** In the menu: what it is good for. */
  readonly hint: string;
  readonly icon: Component<{ size?: number; 'aria-hidden'?: 'true' }>;
}

/** In the order in which people need them. */
export const KINDS: readonly KindInfo[] = [
  { kind: 'camera', name: 'Camera', hint: 'A webcam or capture card', icon: Camera },
  { kind: 'microphone', name: 'Microphone', hint: 'Any sound input', icon: Mic },
  { kind: 'screen', name: 'Screen', hint: 'A monitor of this machine', icon: Monitor },
  { kind: 'media', name: 'Video or sound file', hint: 'MP4, MOV, MP3, WAV, FLAC', icon: Clapperboard },
  { kind: 'image', name: 'Picture', hint: 'PNG, JPEG, WebP, GIF', icon: ImageIcon },
  { kind: 'text', name: 'Text', hint: 'Titles and lower thirds', icon: Type },
  { kind: 'color', name: 'Colour', hint: 'One colour all over', icon: Blend },
  { kind: 'test_signal', name: 'Test signal', hint: 'Bars, counter and tone', icon: Tv },
];

export const infoOf = (kind: Kind): KindInfo => KINDS.find((info) => info.kind === kind) ?? (KINDS[0] as KindInfo);

export const FILES: Record<'media' | 'image', { title: string; extensions: readonly string[] }> = {
  media: { title: 'Video or sound', extensions: ['mp4', 'mov', 'm4v', 'm4a', 'mp3', 'wav', 'flac', 'ogg'] },
  image: { title: 'Picture', extensions: ['png', 'jpg', 'jpeg', 'webp', 'gif'] },
};

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

/** The devices a kind can use; nothing when it uses none. */
export function devicesFor(kind: Kind, devices: Devices): readonly Device[] | null {
  if (kind === 'camera') return devices.cameras;
  if (kind === 'microphone') return devices.microphones;
  if (kind === 'screen') return devices.screens;
  return null;
}

/** The name of a file without its folder and ending. */
export function baseName(path: string): string {
  const name = path.split(/[\\/]/).at(-1) ?? '';
  return name.replace(/\.[^.]+$/, '') || name;
}

/** A state in a word and a shape. */
export const STATES: Record<SourceState, { word: string; dot: '' | 'on' | 'look' | 'bad' }> = {
  idle: { word: 'idle', dot: '' },
  starting: { word: 'starting', dot: 'look' },
  running: { word: 'running', dot: 'on' },
  lost: { word: 'lost', dot: 'look' },
  failed: { word: 'failed', dot: 'bad' },
};
