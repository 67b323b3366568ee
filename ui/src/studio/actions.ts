/** All that has a key: what it is called, and the key it begins with. */
import type { Source } from '$lib/api';
import { type Text, en, t } from '$lib/words';

export interface Action {
  readonly id: string;
  readonly group: Text;
  /** What it is called; a function where a value stands in it. */
  readonly label: Text | (() => string);
  /** As {@link keyOf} writes it; none when it is empty. */
  readonly key: string;
  /** Also while another program has the keyboard, where the system lets us. */
  readonly global?: boolean;
}

/** What an action is called. */
export const labelOf = ({ label }: Pick<Action, 'label'>): string => (typeof label === 'function' ? label() : t(label));

/** Scenes that can have a key; the first nine begin with their number. */
const SCENES = 60;

const scenes = Array.from({ length: SCENES }, (_, index): Action => {
  const n = index + 1;
  return { id: `scene-${n}`, group: en('Scenes'), label: () => t('Switch to scene {n}', { n }), key: n <= 9 ? String(n) : '', global: true };
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
  group: en('Sound'),
  label: () => t('Mute or hear “{name}”', { name: source.name }),
  key: '',
  global: true,
});

/** The source that an action mutes; null when it is about something else. */
export const mutes = (id: string): string | null => (id.startsWith(MUTE) ? id.slice(MUTE.length) : null);

export const ACTIONS: readonly Action[] = [
  { id: 'live', group: en('Broadcast'), label: en('Go live, or end the broadcast'), key: 'Ctrl+Enter', global: true },
  { id: 'record', group: en('Broadcast'), label: en('Record, or stop the recording'), key: 'Ctrl+Shift+Enter', global: true },
  { id: 'mark', group: en('Broadcast'), label: en('Mark this moment'), key: 'K', global: true },
  { id: 'replay', group: en('Broadcast'), label: en('Save the last seconds as a replay'), key: 'B', global: true },
  { id: 'play-replay', group: en('Broadcast'), label: en('Play the last seconds on air as a replay'), key: 'Shift+B', global: true },
  { id: 'library', group: en('Broadcast'), label: en('Library'), key: '' },
  { id: 'records', group: en('Broadcast'), label: en('Figures, log and records'), key: 'G' },
  { id: 'settings', group: en('Broadcast'), label: en('Settings'), key: 'Ctrl+,' },
  { id: 'keys', group: en('Broadcast'), label: en('These keys'), key: '?' },
  ...scenes,
  { id: 'scene-next', group: en('Scenes'), label: en('Next scene'), key: '', global: true },
  { id: 'scene-previous', group: en('Scenes'), label: en('Previous scene'), key: '', global: true },
  { id: 'studio-mode', group: en('Scenes'), label: en('Studio mode, or out of it'), key: 'P', global: true },
  { id: 'take', group: en('Scenes'), label: en('Take the preview to the program, in studio mode'), key: 'T', global: true },
  { id: 'take-at-once', group: en('Scenes'), label: en('Cut to the preview, in studio mode'), key: 'Shift+T', global: true },
  { id: 'full-screen', group: en('Scenes'), label: en('Full screen of a picture on a monitor, in the window'), key: 'F11' },
  { id: 'add', group: en('Document'), label: en('Add a source'), key: 'A' },
  { id: 'undo', group: en('Document'), label: en('Undo'), key: 'Ctrl+Z' },
  { id: 'redo', group: en('Document'), label: en('Redo'), key: 'Ctrl+Shift+Z' },
  { id: 'choose-all', group: en('Document'), label: en('Choose all items'), key: 'Ctrl+A' },
  { id: 'copy', group: en('Document'), label: en('Copy'), key: 'Ctrl+C' },
  { id: 'cut', group: en('Document'), label: en('Cut|clipboard'), key: 'Ctrl+X' },
  { id: 'paste', group: en('Document'), label: en('Paste'), key: 'Ctrl+V' },
  { id: 'paste-anew', group: en('Document'), label: en('Paste with copies of the sources'), key: 'Ctrl+Shift+V' },
  { id: 'duplicate', group: en('Document'), label: en('Duplicate the items, or the scene'), key: 'Ctrl+D' },
  { id: 'visible', group: en('Chosen items'), label: en('Hide or show'), key: 'H' },
  { id: 'locked', group: en('Chosen items'), label: en('Lock or unlock'), key: 'L' },
  { id: 'mute', group: en('Chosen items'), label: en('Mute or hear'), key: 'M' },
  { id: 'remove', group: en('Chosen items'), label: en('Remove'), key: 'Delete' },
  { id: 'group', group: en('Chosen items'), label: en('Group|join'), key: 'Ctrl+G' },
  { id: 'ungroup', group: en('Chosen items'), label: en('Ungroup'), key: 'Ctrl+Shift+G' },
  { id: 'front', group: en('Chosen items'), label: en('Bring to front'), key: 'Ctrl+Home' },
  { id: 'forward', group: en('Chosen items'), label: en('Bring forward'), key: 'Ctrl+Up' },
  { id: 'backward', group: en('Chosen items'), label: en('Send backward'), key: 'Ctrl+Down' },
  { id: 'back', group: en('Chosen items'), label: en('Send to back'), key: 'Ctrl+End' },
  { id: 'fit', group: en('Place'), label: en('Fit to canvas'), key: 'F' },
  { id: 'fill', group: en('Place'), label: en('Fill canvas'), key: 'Shift+F' },
  { id: 'stretch', group: en('Place'), label: en('Stretch to canvas'), key: 'S' },
  { id: 'original', group: en('Place'), label: en('Original size'), key: 'O' },
  { id: 'centre', group: en('Place'), label: en('Centre on canvas'), key: 'C' },
  { id: 'align-left', group: en('Place'), label: en('Align left'), key: 'Alt+A' },
  { id: 'align-centre', group: en('Place'), label: en('Align centre'), key: 'Alt+H' },
  { id: 'align-right', group: en('Place'), label: en('Align right'), key: 'Alt+D' },
  { id: 'align-top', group: en('Place'), label: en('Align top'), key: 'Alt+W' },
  { id: 'align-middle', group: en('Place'), label: en('Align middle'), key: 'Alt+V' },
  { id: 'align-bottom', group: en('Place'), label: en('Align bottom'), key: 'Alt+S' },
  { id: 'distribute-across', group: en('Place'), label: en('Distribute across'), key: 'Alt+Shift+H' },
  { id: 'distribute-down', group: en('Place'), label: en('Distribute down'), key: 'Alt+Shift+V' },
  { id: 'flip-across', group: en('Place'), label: en('Flip horizontally'), key: 'Shift+H' },
  { id: 'flip-down', group: en('Place'), label: en('Flip vertically'), key: 'Shift+V' },
  { id: 'rotate-right', group: en('Place'), label: en('Rotate 90° right'), key: 'R' },
  { id: 'rotate-left', group: en('Place'), label: en('Rotate 90° left'), key: 'Shift+R' },
  { id: 'reset', group: en('Place'), label: en('Reset transform'), key: 'Alt+0' },
];

/** What is always so: it belongs to what has the focus. */
export const FIXED: readonly { readonly title: Text; readonly keys: readonly (readonly [Text, Text])[] }[] = [
  {
    title: en('On the picture'),
    keys: [
      [en('Tab'), en('From item to item')],
      [en('Space'), en('Choose several')],
      [en('Arrows'), en('Move by a pixel, with Shift by ten')],
      [en('Alt Arrows'), en('Resize by a pixel, with Shift by ten')],
      [en('Enter, Esc'), en('Into a group, and out of it')],
      [en('Shift drag'), en('Resize freely; move straight; turn by 15°')],
      [en('Alt drag'), en('Crop by a handle')],
      [en('Ctrl drag'), en('Without snapping')],
      [en('Shift F10'), en('All that can be done')],
    ],
  },
  {
    title: en('Lists and fields'),
    keys: [
      [en('F2'), en('Rename')],
      [en('Alt Up, Alt Down'), en('Move in the list')],
      [en('Up, Down'), en('Change a number; Shift by ten, Alt by a tenth')],
      [en('Double-click'), en('Reset a field, a fader or an edge')],
      [en('Esc'), en('Cancel, put a message away, choose nothing')],
    ],
  },
];

/** Keys that always do the same, as {@link keyOf} writes them: no action can have them. */
const ALWAYS: readonly (readonly [RegExp, Text])[] = [
  [/^(?:Shift\+|Alt\+|Alt\+Shift\+)?(?:Up|Down|Left|Right)$/, en('Move, resize, or go through a list')],
  [/^(?:Enter|Space)$/, en('Choose, or press what is in focus')],
  [/^F2$/, en('Rename')],
  [/^(?:Shift\+F10|ContextMenu)$/, en('All that can be done')],
  [/^Ctrl\+Y$/, en('Make again what was undone')],
];

/** What a key always does; nothing when an action can have it. */
export const always = (key: string): Text | undefined => ALWAYS.find(([keys]) => keys.test(key))?.[1];

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
