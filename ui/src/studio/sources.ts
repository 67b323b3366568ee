import AppWindow from '@lucide/svelte/icons/app-window';
import Blend from '@lucide/svelte/icons/blend';
import Camera from '@lucide/svelte/icons/camera';
import Clapperboard from '@lucide/svelte/icons/clapperboard';
import Clock from '@lucide/svelte/icons/clock';
import Eye from '@lucide/svelte/icons/eye';
import Group from '@lucide/svelte/icons/group';
import Hourglass from '@lucide/svelte/icons/hourglass';
import ImageIcon from '@lucide/svelte/icons/image';
import Images from '@lucide/svelte/icons/images';
import Layers from '@lucide/svelte/icons/layers-2';
import MessageSquare from '@lucide/svelte/icons/message-square';
import Mic from '@lucide/svelte/icons/mic';
import Monitor from '@lucide/svelte/icons/monitor';
import RadioTower from '@lucide/svelte/icons/radio-tower';
import Rainbow from '@lucide/svelte/icons/rainbow';
import Timer from '@lucide/svelte/icons/timer';
import Tv from '@lucide/svelte/icons/tv-minimal';
import Type from '@lucide/svelte/icons/type';
import UserRound from '@lucide/svelte/icons/user-round';
import type { Component } from 'svelte';
import type { Device, Devices, SourceState } from '$lib/api';
import type { Kind } from './fresh';

export { type Kind, fresh, freshItem, place, plainCrawl, plainGradient, plainText } from './fresh';

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
  { kind: 'window', name: 'Window', hint: 'A window of another program', icon: AppWindow },
  { kind: 'channel', name: 'Guest', hint: 'Somebody with a phone, a browser or OBS', icon: UserRound },
  { kind: 'remote', name: 'Another station', hint: 'A channel fetched over WHEP', icon: RadioTower },
  { kind: 'media', name: 'Video or sound file', hint: 'MP4, MOV, MP3, WAV, FLAC, Ogg, AAC', icon: Clapperboard },
  { kind: 'image', name: 'Picture', hint: 'PNG, JPEG, WebP, GIF', icon: ImageIcon },
  { kind: 'slide_show', name: 'Slide show', hint: 'Pictures of a folder or a list', icon: Images },
  { kind: 'text', name: 'Text', hint: 'Titles, tickers, text from a file', icon: Type },
  { kind: 'chat', name: 'Chat', hint: 'What viewers say, in the picture', icon: MessageSquare },
  { kind: 'clock', name: 'Clock', hint: 'The time, anywhere', icon: Clock },
  { kind: 'countdown', name: 'Countdown', hint: 'To a time or for a while', icon: Hourglass },
  { kind: 'stopwatch', name: 'Stopwatch', hint: 'Time that has passed', icon: Timer },
  { kind: 'viewer_count', name: 'Viewers', hint: 'How many watch', icon: Eye },
  { kind: 'color', name: 'Colour', hint: 'One colour all over', icon: Blend },
  { kind: 'gradient', name: 'Gradient', hint: 'Colours that run into each other', icon: Rainbow },
  { kind: 'test_signal', name: 'Test signal', hint: 'Bars, counter and tone', icon: Tv },
];

/** Scenes are chosen from those that are there; a group is one too. */
export const SCENE: KindInfo = { kind: 'scene', name: 'Scene', hint: 'A scene inside this one', icon: Layers };

export const GROUP: KindInfo = { kind: 'scene', name: 'Group', hint: 'Several items as one', icon: Group };

export const infoOf = (kind: Kind): KindInfo => KINDS.find((info) => info.kind === kind) ?? SCENE;

export const FILES: Record<'media' | 'image' | 'text', { title: string; extensions: readonly string[] }> = {
  media: { title: 'Video or sound', extensions: ['mp4', 'mov', 'm4v', 'm4a', 'mp3', 'wav', 'flac', 'ogg', 'opus', 'aac'] },
  image: { title: 'Picture', extensions: ['png', 'jpg', 'jpeg', 'webp', 'gif'] },
  text: { title: 'Text', extensions: ['txt', 'md', 'csv', 'log'] },
};

/** The devices a kind can use; nothing when it uses none. */
export function devicesFor(kind: Kind, devices: Devices): readonly Device[] | null {
  if (kind === 'camera') return devices.cameras;
  if (kind === 'microphone') return devices.microphones;
  if (kind === 'screen') return devices.screens;
  if (kind === 'window') return devices.windows;
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
