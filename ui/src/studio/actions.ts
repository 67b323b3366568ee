/** All that has a key: what it is called, and the key it begins with. */

import type { Source } from '$lib/api';

export interface Action {
  readonly id: string;
  readonly group: 'Broadcast' | 'Scenes' | 'Sound' | 'Chosen items' | 'Place' | 'Document';
  readonly label: string;
  /** As {@link keyOf} writes it; none when it is empty. */
  readonly key: string;
  /** Also while another program has the keyboard, where the system lets us. */
  readonly global?: boolean;
}

/** Scenes that can have a key; the first nine begin with their number. */
const SCENES = 60;

const scenes = Array.from({ length: SCENES }, (_, index): Action => {
  const n = index + 1;
  return { id: `scene-${n}`, group: 'Scenes', label: `Switch to scene ${n}`, key: n <= 9 ? String(n) : '', global: true };
});

/** The scene that an action is about, counted from 1; null when it is about something else. */
export function sceneOf(id: string): number | null {
  const n = /^scene-(\d+)$/.exec(id)?.[1];
  return n === undefined ? null : Number(n);
}

const MUTE = 'mute-';

/** Mutes a source wherever it is, whatever is chosen. Its key is kept by the source's identity. */
export const muteOf = (source: Pick<Source, 'id' | 'name'>): Action => ({
  id: `${MUTE}${source.id}`,
  group: 'Sound',
  label: `Mute or hear “${source.name}”`,
  key: '',
  global: true,
});

/** The source that an action mutes; null when it is about something else. */
export const mutes = (id: string): string | null => (id.startsWith(MUTE) ? id.slice(MUTE.length) : null);

export const ACTIONS: readonly Action[] = [
  { id: 'live', group: 'Broadcast', label: 'Go live, or end the broadcast', key: 'Ctrl+Enter', global: true },
  { id: 'record', group: 'Broadcast', label: 'Record, or stop the recording', key: 'Ctrl+Shift+Enter', global: true },
  { id: 'mark', group: 'Broadcast', label: 'Mark this moment', key: 'K', global: true },
  { id: 'replay', group: 'Broadcast', label: 'Save the last seconds as a replay', key: 'B', global: true },
  { id: 'play-replay', group: 'Broadcast', label: 'Play the last seconds on air as a replay', key: 'Shift+B', global: true },
  { id: 'library', group: 'Broadcast', label: 'Library', key: '' },
  { id: 'records', group: 'Broadcast', label: 'Figures, log and records', key: 'G' },
  { id: 'settings', group: 'Broadcast', label: 'Settings', key: 'Ctrl+,' },
  { id: 'keys', group: 'Broadcast', label: 'These keys', key: '?' },
  ...scenes,
  { id: 'scene-next', group: 'Scenes', label: 'Next scene', key: '', global: true },
  { id: 'scene-previous', group: 'Scenes', label: 'Previous scene', key: '', global: true },
  { id: 'studio-mode', group: 'Scenes', label: 'Studio mode, or out of it', key: 'P', global: true },
  { id: 'take', group: 'Scenes', label: 'Take the preview to the program, in studio mode', key: 'T', global: true },
  { id: 'take-at-once', group: 'Scenes', label: 'Cut to the preview, in studio mode', key: 'Shift+T', global: true },
  { id: 'full-screen', group: 'Scenes', label: 'Full screen of a picture on a monitor, in the window', key: 'F11' },
  { id: 'add', group: 'Document', label: 'Add a source', key: 'A' },
  { id: 'undo', group: 'Document', label: 'Undo', key: 'Ctrl+Z' },
  { id: 'redo', group: 'Document', label: 'Redo', key: 'Ctrl+Shift+Z' },
  { id: 'choose-all', group: 'Document', label: 'Choose all items', key: 'Ctrl+A' },
  { id: 'copy', group: 'Document', label: 'Copy', key: 'Ctrl+C' },
  { id: 'cut', group: 'Document', label: 'Cut', key: 'Ctrl+X' },
  { id: 'paste', group: 'Document', label: 'Paste', key: 'Ctrl+V' },
  { id: 'paste-anew', group: 'Document', label: 'Paste with copies of the sources', key: 'Ctrl+Shift+V' },
  { id: 'duplicate', group: 'Document', label: 'Duplicate the items, or the scene', key: 'Ctrl+D' },
  { id: 'visible', group: 'Chosen items', label: 'Hide or show', key: 'H' },
  { id: 'locked', group: 'Chosen items', label: 'Lock or unlock', key: 'L' },
  { id: 'mute', group: 'Chosen items', label: 'Mute or hear', key: 'M' },
  { id: 'remove', group: 'Chosen items', label: 'Remove', key: 'Delete' },
  { id: 'group', group: 'Chosen items', label: 'Group', key: 'Ctrl+G' },
  { id: 'ungroup', group: 'Chosen items', label: 'Ungroup', key: 'Ctrl+Shift+G' },
  { id: 'front', group: 'Chosen items', label: 'Bring to front', key: 'Ctrl+Home' },
  { id: 'forward', group: 'Chosen items', label: 'Bring forward', key: 'Ctrl+Up' },
  { id: 'backward', group: 'Chosen items', label: 'Send backward', key: 'Ctrl+Down' },
  { id: 'back', group: 'Chosen items', label: 'Send to back', key: 'Ctrl+End' },
  { id: 'fit', group: 'Place', label: 'Fit to canvas', key: 'F' },
  { id: 'fill', group: 'Place', label: 'Fill canvas', key: 'Shift+F' },
  { id: 'stretch', group: 'Place', label: 'Stretch to canvas', key: 'S' },
  { id: 'original', group: 'Place', label: 'Original size', key: 'O' },
  { id: 'centre', group: 'Place', label: 'Centre on canvas', key: 'C' },
  { id: 'align-left', group: 'Place', label: 'Align left', key: 'Alt+A' },
  { id: 'align-centre', group: 'Place', label: 'Align centre', key: 'Alt+H' },
  { id: 'align-right', group: 'Place', label: 'Align right', key: 'Alt+D' },
  { id: 'align-top', group: 'Place', label: 'Align top', key: 'Alt+W' },
  { id: 'align-middle', group: 'Place', label: 'Align middle', key: 'Alt+V' },
  { id: 'align-bottom', group: 'Place', label: 'Align bottom', key: 'Alt+S' },
  { id: 'distribute-across', group: 'Place', label: 'Distribute across', key: 'Alt+Shift+H' },
  { id: 'distribute-down', group: 'Place', label: 'Distribute down', key: 'Alt+Shift+V' },
  { id: 'flip-across', group: 'Place', label: 'Flip horizontally', key: 'Shift+H' },
  { id: 'flip-down', group: 'Place', label: 'Flip vertically', key: 'Shift+V' },
  { id: 'rotate-right', group: 'Place', label: 'Rotate 90° right', key: 'R' },
  { id: 'rotate-left', group: 'Place', label: 'Rotate 90° left', key: 'Shift+R' },
  { id: 'reset', group: 'Place', label: 'Reset transform', key: 'Alt+0' },
];

/** What is always so: it belongs to what has the focus. */
export const FIXED: readonly { readonly title: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    title: 'On the picture',
    keys: [
      ['Tab', 'From item to item'],
      ['Space', 'Choose several'],
      ['Arrows', 'Move by a pixel, with Shift by ten'],
      ['Alt Arrows', 'Resize by a pixel, with Shift by ten'],
      ['Enter, Esc', 'Into a group, and out of it'],
      ['Shift drag', 'Resize freely; move straight; turn by 15°'],
      ['Alt drag', 'Crop by a handle'],
      ['Ctrl drag', 'Without snapping'],
      ['Shift F10', 'All that can be done'],
    ],
  },
  {
    title: 'Lists and fields',
    keys: [
      ['F2', 'Rename'],
      ['Alt Up, Alt Down', 'Move in the list'],
      ['Up, Down', 'Change a number; Shift by ten, Alt by a tenth'],
      ['Double-click', 'Reset a field, a fader or an edge'],
      ['Esc', 'Cancel, put a message away, choose nothing'],
    ],
  },
];

/** Keys that always do the same, as {@link keyOf} writes them: no action can have them. */
const ALWAYS: readonly (readonly [RegExp, string])[] = [
  [/^(?:Shift\+|Alt\+|Alt\+Shift\+)?(?:Up|Down|Left|Right)$/, 'Move, resize, or go through a list'],
  [/^(?:Enter|Space)$/, 'Choose, or press what is in focus'],
  [/^F2$/, 'Rename'],
  [/^(?:Shift\+F10|ContextMenu)$/, 'All that can be done'],
  [/^Ctrl\+Y$/, 'Make again what was undone'],
];

/** What a key always does; nothing when an action can have it. */
export const always = (key: string): string | undefined => ALWAYS.find(([keys]) => keys.test(key))?.[1];

/** The key of an event: `Ctrl+Shift+Z`, `?`, `Alt+A`; nothing while only Ctrl, Alt or Shift is down. */
export function keyOf(event: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>): string | null {
  if (['Control', 'Meta', 'Alt', 'Shift', 'AltGraph', 'Dead', 'Unidentified'].includes(event.key)) return null;
  let key = event.key;
  // With Alt, some systems write other letters.
  const plain = /^(?:Key|Digit)([A-Z0-9])$/.exec(event.code)?.[1];
  if (event.altKey && plain !== undefined) key = plain;
  if (key === ' ') key = 'Space';
  if (key.startsWith('Arrow')) key = key.slice(5);
  if (key.length === 1) key = key.toUpperCase();
  // A sign that takes Shift to write has it in itself.
  const shift = event.shiftKey && (key.length > 1 || /[A-Z]/.test(key) || (event.altKey && plain !== undefined));
  const parts = [event.ctrlKey || event.metaKey ? 'Ctrl' : '', event.altKey ? 'Alt' : '', shift ? 'Shift' : '', key];
  return parts.filter((part) => part !== '').join('+');
}

/** Whether a key does something without Ctrl or Alt: people who dictate switch these off. */
export const isSingle = (key: string): boolean => !key.startsWith('Ctrl+') && !key.startsWith('Alt+') && !/^(?:Shift\+)?(?:F\d+|Delete|Escape)$/.test(key);
