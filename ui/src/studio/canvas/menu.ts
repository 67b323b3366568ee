import type { Entry } from '$lib/kit/MenuList.svelte';
import { t } from '$lib/words';
import { ACTIONS, labelOf } from '../actions';
import { keymap } from '../keymap.svelte';
import type { Editor } from './editor.svelte';

function nameOf(id: string): string {
  const action = ACTIONS.find((one) => one.id === id);
  return action ? labelOf(action) : id;
}

/** What an action is called in a menu, and its key. */
const entry = (editor: Editor, id: string, change: Partial<Entry> = {}): Entry => ({
  label: nameOf(id),
  key: keymap.of(id) || undefined,
  run: () => void act(editor, id),
  ...change,
});

/** Opens a menu where the pointer is; by a key, below what has the focus. */
export function openMenu(editor: Editor, event: MouseEvent, label: string, entries: readonly Entry[]): void {
  event.preventDefault();
  const box = (event.target as Element).getBoundingClientRect();
  const byKey = event.clientX === 0 && event.clientY === 0;
  editor.menu = { label, entries: [...entries], at: byKey ? { x: box.left + 16, y: box.bottom } : { x: event.clientX, y: event.clientY } };
}

/** The same around several things, such as a bar: fields, links, and what has a menu of its own keep theirs. */
export function openMenuAround(editor: Editor, event: MouseEvent, label: string, entries: readonly Entry[]): void {
  if (event.defaultPrevented || (event.target as Element).closest('input, select, textarea, a')) return;
  openMenu(editor, event, label, entries);
}

/** All that can be done to what is chosen, for the picture and the list of sources. */
export function itemMenu(editor: Editor, rename?: () => void): Entry[] {
  const { studio } = editor;
  const { items } = studio;
  const paste = [
    entry(editor, 'paste', { disabled: !editor.hasClip, apart: items.length > 0 }),
    entry(editor, 'paste-anew', { disabled: !editor.hasClip }),
  ];
  if (items.length === 0) {
    return [
      ...paste,
      entry(editor, 'choose-all', { apart: true, disabled: (studio.edited?.items.length ?? 0) === 0 }),
      ...(studio.entered.length > 0 ? [{ label: t('Leave the group'), key: 'Esc', run: () => void editor.leave() }] : []),
    ];
  }
  const still = editor.free.length === 0;
  const some = editor.free.length < 3;
  const group = items.length === 1 && items[0] ? editor.group(items[0]) : null;
  const one = items[0];
  const sub = (ids: readonly string[], disabled: boolean, apart: readonly string[] = []): Entry[] =>
    ids.map((id) => entry(editor, id, { disabled, apart: apart.includes(id) }));
  return [
    ...(group && one ? [{ label: t('Open the group'), key: 'Enter', run: () => void editor.enter(one) }] : []),
    ...(rename ? [{ label: t('Rename'), key: 'F2', run: rename }] : []),
    {
      label: t('Transform'),
      disabled: still,
      entries: [
        ...sub(['fit', 'fill', 'stretch', 'original', 'centre'], still),
        ...sub(['rotate-right', 'rotate-left', 'flip-across', 'flip-down'], still, ['rotate-right']),
        { label: t('Copy transform'), apart: true, disabled: items.length !== 1, run: () => editor.copyPlace() },
        { label: t('Paste transform'), disabled: still || !editor.hasPlace, run: () => editor.pastePlace() },
        entry(editor, 'reset', { disabled: still }),
      ],
    },
    {
      label: t('Align'),
      disabled: still,
      entries: [
        ...sub(['align-left', 'align-centre', 'align-right', 'align-top', 'align-middle', 'align-bottom'], still, ['align-top']),
        ...sub(['distribute-across', 'distribute-down'], some, ['distribute-across']),
      ],
    },
    { label: t('Order'), entries: sub(['front', 'forward', 'backward', 'back'], false) },
    entry(editor, 'visible', { label: items.some((item) => item.visible) ? t('Hide') : t('Show'), apart: true }),
    entry(editor, 'locked', { label: items.every((item) => item.locked) ? t('Unlock') : t('Lock') }),
    group ? entry(editor, 'ungroup') : entry(editor, 'group'),
    entry(editor, 'cut', { apart: true }),
    entry(editor, 'copy'),
    ...paste.map((one) => ({ ...one, apart: false })),
    entry(editor, 'duplicate', { label: t('Duplicate') }),
    entry(editor, 'remove', { apart: true }),
  ];
}

/** Does what a key or a menu asks of the chosen items; false when it is about something else. */
export function act(editor: Editor, id: string): boolean {
  const { studio } = editor;
  const [verb = '', rest = ''] = id.split('-');
  switch (id) {
    case 'paste':
    case 'paste-anew':
      void editor.paste(id === 'paste-anew');
      return true;
    case 'choose-all':
      editor.chooseAll();
      return true;
  }
  if (studio.items.length === 0) return false;
  switch (id) {
    case 'visible':
    case 'locked':
      editor.toggle(id);
      return true;
    case 'mute':
      editor.mute();
      return true;
    case 'remove':
      void editor.remove();
      return true;
    case 'group':
      void editor.makeGroup();
      return true;
    case 'ungroup':
      void editor.ungroup();
      return true;
    case 'copy':
      return editor.copy();
    case 'cut':
      void editor.cut();
      return true;
    case 'duplicate':
      void editor.duplicate();
      return true;
    case 'front':
    case 'forward':
    case 'backward':
    case 'back':
      editor.order(id);
      return true;
    case 'fit':
      editor.over('contain');
      return true;
    case 'fill':
      editor.over('cover');
      return true;
    case 'stretch':
      editor.over('stretch');
      return true;
    case 'original':
      editor.original();
      return true;
    case 'centre':
      editor.centre();
      return true;
    case 'reset':
      editor.reset();
      return true;
    case 'rotate-right':
      editor.rotate(90);
      return true;
    case 'rotate-left':
      editor.rotate(-90);
      return true;
  }
  if (verb === 'align') editor.align(rest as Parameters<Editor['align']>[0]);
  else if (verb === 'distribute') editor.distribute(rest === 'across');
  else if (verb === 'flip') editor.flip(rest === 'across');
  else return false;
  return true;
}
