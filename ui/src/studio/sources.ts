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
import { type Text, en, t } from '$lib/words';
import type { Kind } from './fresh';

export { type Kind, fresh, freshItem, place, plainCrawl, plainGradient, plainText } from './fresh';

export interface KindInfo {
  readonly kind: Kind;
  /** As people read it. */
  readonly name: Text;
  /** In the menu: what it is good for. */
  readonly hint: Text;
  readonly icon: Component<{ size?: number; 'aria-hidden'?: 'true' }>;
}

/** In the order in which people need them. */
export const KINDS: readonly KindInfo[] = [
  { kind: 'camera', name: en('Camera'), hint: en('A webcam or capture card'), icon: Camera },
  { kind: 'microphone', name: en('Microphone'), hint: en('Any sound input'), icon: Mic },
  { kind: 'screen', name: en('Screen'), hint: en('A monitor of this machine'), icon: Monitor },
  { kind: 'window', name: en('Window'), hint: en('A window of another program'), icon: AppWindow },
  { kind: 'channel', name: en('Guest'), hint: en('Somebody with a phone, a browser or OBS'), icon: UserRound },
  { kind: 'remote', name: en('Another station'), hint: en('A channel fetched over WHEP'), icon: RadioTower },
  { kind: 'media', name: en('Video or sound file'), hint: en('MP4, MOV, MP3, WAV, FLAC, Ogg, AAC'), icon: Clapperboard },
  { kind: 'image', name: en('Picture'), hint: en('PNG, JPEG, WebP, GIF'), icon: ImageIcon },
  { kind: 'slide_show', name: en('Slide show'), hint: en('Pictures of a folder or a list'), icon: Images },
  { kind: 'text', name: en('Text'), hint: en('Titles, tickers, text from a file'), icon: Type },
  { kind: 'chat', name: en('Chat'), hint: en('What viewers say, in the picture'), icon: MessageSquare },
  { kind: 'clock', name: en('Clock'), hint: en('The time, anywhere'), icon: Clock },
  { kind: 'countdown', name: en('Countdown'), hint: en('To a time or for a while'), icon: Hourglass },
  { kind: 'stopwatch', name: en('Stopwatch'), hint: en('Time that has passed'), icon: Timer },
  { kind: 'viewer_count', name: en('Viewers'), hint: en('How many watch'), icon: Eye },
  { kind: 'color', name: en('Colour'), hint: en('One colour all over'), icon: Blend },
  { kind: 'gradient', name: en('Gradient'), hint: en('Colours that run into each other'), icon: Rainbow },
  { kind: 'test_signal', name: en('Test signal'), hint: en('Bars, counter and tone'), icon: Tv },
];

/** Scenes are chosen from those that are there; a group is one too. */
export const SCENE: KindInfo = { kind: 'scene', name: en('Scene'), hint: en('A scene inside this one'), icon: Layers };

export const GROUP: KindInfo = { kind: 'scene', name: en('Group'), hint: en('Several items as one'), icon: Group };

export const infoOf = (kind: Kind): KindInfo => KINDS.find((info) => info.kind === kind) ?? SCENE;

const FILES: Record<'media' | 'image' | 'text', { title: Text; extensions: readonly string[] }> = {
  media: { title: en('Video or sound'), extensions: ['mp4', 'mov', 'm4v', 'm4a', 'mp3', 'wav', 'flac', 'ogg', 'opus', 'aac'] },
  image: { title: en('Picture'), extensions: ['png', 'jpg', 'jpeg', 'webp', 'gif'] },
  text: { title: en('Text'), extensions: ['txt', 'md', 'csv', 'log'] },
};

/** Files of a kind, as a dialog asks for them. */
export const filesOf = (kind: keyof typeof FILES): { title: string; extensions: readonly string[] } => ({ ...FILES[kind], title: t(FILES[kind].title) });

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
export const STATES: Record<SourceState, { word: Text; dot: '' | 'on' | 'look' | 'bad' }> = {
  idle: { word: en('idle'), dot: '' },
  starting: { word: en('starting'), dot: 'look' },
  running: { word: en('running'), dot: 'on' },
  lost: { word: en('lost'), dot: 'look' },
  failed: { word: en('failed'), dot: 'bad' },
};
