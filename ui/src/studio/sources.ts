import Blend from '@lucide/svelte/icons/blend';
import Camera from '@lucide/svelte/icons/camera';
import Clapperboard from '@lucide/svelte/icons/clapperboard';
import ImageIcon from '@lucide/svelte/icons/image';
import Mic from '@lucide/svelte/icons/mic';
import Monitor from '@lucide/svelte/icons/monitor';
import Tv from '@lucide/svelte/icons/tv-minimal';
import Type from '@lucide/svelte/icons/type';
import type { Component } from 'svelte';
import type { Device, Devices, SourceState } from '$lib/api';
import type { Kind } from './fresh';

export { type Kind, fresh, freshItem, place, plainText } from './fresh';

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
