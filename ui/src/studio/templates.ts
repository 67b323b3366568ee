import type { Canvas, Collection, Edit, Fit, Item, Rect, Source, TextStyle } from '$lib/api';
import { type Text, en, t } from '$lib/words';
import { freeName, hasPicture, newId } from './document';
import { freshItem, plainText } from './fresh';

/** Layouts that are filled with a person's own sources. Places are parts of the canvas, 0 to 1. */

type Part = readonly [x: number, y: number, width: number, height: number];

/** A place for one of the person's sources. */
export interface Slot {
  readonly label: Text;
  readonly part: Part;
  readonly fit: Fit;
  /** What suits it best. */
  readonly kinds: readonly Source['kind'][];
}

/** A text that is made anew. */
export interface Words {
  readonly label: Text;
  readonly text: Text;
  readonly part: Part;
  /** Height of the letters, of the canvas's height. */
  readonly size: number;
  readonly bold: boolean;
}

/** A colour that is made anew. */
export interface Ground {
  readonly name: Text;
  readonly part: Part;
  readonly color: string;
}

export interface Template {
  readonly id: string;
  readonly name: Text;
  readonly hint: Text;
  readonly grounds: readonly Ground[];
  readonly slots: readonly Slot[];
  readonly words: readonly Words[];
  /** Stand above the slots instead of below them. */
  readonly over?: readonly Ground[];
}

const people: Source['kind'][] = ['camera', 'channel', 'media'];
const screens: Source['kind'][] = ['screen', 'media', 'image', 'camera'];
const films: Source['kind'][] = ['media', 'image', 'camera'];
const all: Part = [0, 0, 1, 1];
const night: Ground = { name: en('Background'), part: all, color: '#14171c' };

const notice = (id: string, name: Text, hint: Text, title: Text, note: Text): Template => ({
  id,
  name,
  hint,
  grounds: [night],
  slots: [{ label: en('Behind the words'), part: all, fit: 'cover', kinds: films }],
  over: [{ name: en('Shade'), part: all, color: '#0b0c0ea6' }],
  words: [
    { label: en('Title'), text: title, part: [0.1, 0.38, 0.8, 0.16], size: 0.11, bold: true },
    { label: en('Below it'), text: note, part: [0.1, 0.56, 0.8, 0.07], size: 0.042, bold: false },
  ],
});

export const TEMPLATES: readonly Template[] = [
  {
    id: 'single',
    name: en('Single'),
    hint: en('One picture all over'),
    grounds: [],
    slots: [{ label: en('Picture'), part: all, fit: 'cover', kinds: people }],
    words: [],
  },
  {
    id: 'side-by-side',
    name: en('Side by side'),
    hint: en('Two people who talk'),
    grounds: [night],
    slots: [
      { label: en('Left'), part: [0.02, 0.12, 0.47, 0.76], fit: 'cover', kinds: people },
      { label: en('Right'), part: [0.51, 0.12, 0.47, 0.76], fit: 'cover', kinds: people },
    ],
    words: [],
  },
  {
    id: 'picture-in-picture',
    name: en('Picture in picture'),
    hint: en('A screen, and you in its corner'),
    grounds: [night],
    slots: [
      { label: en('Large'), part: all, fit: 'contain', kinds: screens },
      { label: en('In the corner'), part: [0.73, 0.69, 0.25, 0.28], fit: 'cover', kinds: people },
    ],
    words: [],
  },
  {
    id: 'three-up',
    name: en('Three up'),
    hint: en('One large, two beside it'),
    grounds: [night],
    slots: [
      { label: en('Large'), part: [0.02, 0.1, 0.62, 0.8], fit: 'cover', kinds: people },
      { label: en('Above'), part: [0.66, 0.1, 0.32, 0.39], fit: 'cover', kinds: people },
      { label: en('Below'), part: [0.66, 0.51, 0.32, 0.39], fit: 'cover', kinds: people },
    ],
    words: [],
  },
  {
    id: 'lower-third',
    name: en('Lower third'),
    hint: en('A picture with a name on it'),
    grounds: [],
    slots: [{ label: en('Picture'), part: all, fit: 'cover', kinds: people }],
    over: [{ name: en('Lower third bar'), part: [0.05, 0.76, 0.45, 0.16], color: '#0b0c0ed9' }],
    words: [
      { label: en('Name'), text: en('Your name'), part: [0.07, 0.775, 0.41, 0.075], size: 0.055, bold: true },
      { label: en('Below it'), text: en('What you do'), part: [0.07, 0.85, 0.41, 0.05], size: 0.034, bold: false },
    ],
  },
  notice('starting-soon', en('Starting soon'), en('Before you begin'), en('Starting soon'), en('We begin in a few minutes')),
  notice('be-right-back', en('Be right back'), en('While you are away'), en('Be right back'), en('A short break')),
  notice('thank-you', en('Thank you'), en('At the end'), en('Thank you'), en('See you next time')),
];

const pixels = ([x, y, width, height]: Part, canvas: Canvas): Rect => ({
  x: Math.round(x * canvas.width),
  y: Math.round(y * canvas.height),
  width: Math.max(1, Math.round(width * canvas.width)),
  height: Math.max(1, Math.round(height * canvas.height)),
});

/** The sources that may fill slots: those with a picture of their own, the moving ones first. */
export function candidates(doc: Collection): Source[] {
  const order: Source['kind'][] = ['camera', 'channel', 'screen', 'media', 'image', 'test_signal'];
  const fits = doc.sources.filter((one) => hasPicture(one.kind) && order.includes(one.kind));
  return fits.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

/** What each slot begins with: what suits it best, each source once. */
export function suggested(template: Template, sources: readonly Source[]): string[] {
  const left = [...sources];
  return template.slots.map(({ kinds }) => {
    for (const kind of kinds) {
      const at = left.findIndex((one) => one.kind === kind);
      const found = left[at];
      if (!found) continue;
      left.splice(at, 1);
      return found.id;
    }
    return '';
  });
}

/** A scene after a template as one edit: sources for its slots (empty where nothing is wished), and its words. */
export function made(template: Template, doc: Collection, name: string, slots: readonly string[], words: readonly string[]): { edit: Edit; scene: string } {
  const { canvas } = doc;
  const scene = newId('scene');
  const names = doc.sources.map((one) => one.name);
  const edits: Edit[] = [{ edit: 'add_scene', id: scene, name }];
  const item = (source: string, part: Part, fit: Fit): Item => ({ ...freshItem(newId('item'), source, pixels(part, canvas)), fit });
  const add = (called: string, part: Part, fit: Fit, kind: Pick<Source, 'kind' | 'settings'>): void => {
    const id = newId('source');
    const free = freeName(called, names);
    names.push(free);
    const source = { id, name: free, audio: { gain_db: 0, muted: false, pan: 0 }, ...kind } as Source;
    edits.push({ edit: 'add_source', scene, source, item: item(id, part, fit) });
  };
  const ground = ({ name: called, part, color }: Ground): void => add(t(called), part, 'stretch', { kind: 'color', settings: { color } });

  template.grounds.forEach(ground);
  template.slots.forEach(({ part, fit }, index) => {
    const source = slots[index] ?? '';
    if (source !== '') edits.push({ edit: 'add_item', scene, item: item(source, part, fit) });
  });
  // A shade over nothing would only darken the ground.
  if (template.slots.length === 0 || slots.some((one) => one !== '')) template.over?.forEach(ground);
  template.words.forEach(({ text, part, size, bold }, index) => {
    const said = (words[index] ?? t(text)).trim();
    if (said === '') return;
    const style: TextStyle = { ...plainText, size: Math.max(4, Math.round(size * canvas.height)), bold };
    add(said.slice(0, 60), part, 'contain', { kind: 'text', settings: { text: said, style, file: null, crawl: null } });
  });
  return { edit: { edit: 'many', label: `Add scene “${t(template.name)}”`, edits }, scene };
}
