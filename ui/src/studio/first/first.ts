import type { Canvas, Collection, Edit, Item, Quality, Source, SourceKind } from '$lib/api';
import { t } from '$lib/words';
import { listed } from '../document';
import { fresh, freshItem } from '../fresh';
import { step } from '../steps';

/** What the first start makes of answers: a scene with the camera, and a microphone that is heard. */

/** Identities of what it makes: those of the demo, so that another answer changes it instead of adding to it. */
const SCENE = 'camera';
const CAMERA = 'camera';
export const MICROPHONE = 'microphone';

/** All answers are one step of the history, and one undo takes them back. */
export const STEP = step('Answers of the first start');

export interface Answers {
  /** A device; empty for none. */
  readonly camera: string;
  readonly microphone: string;
}

/** What was answered before, as far as the document shows it. */
export function answered(doc: Collection): Answers {
  const device = (id: string): string => {
    const source = doc.sources.find((one) => one.id === id);
    return source?.kind === 'camera' || source?.kind === 'microphone' ? source.settings.device : '';
  };
  return { camera: device(CAMERA), microphone: device(MICROPHONE) };
}

/** What has to change for the answers to hold; nothing when they do. */
export function edits(doc: Collection, { camera, microphone }: Answers): Edit[] {
  const all: Edit[] = [];
  const scene = doc.scenes.find((one) => one.id === SCENE);
  const others = listed(doc).filter((one) => one.id !== SCENE);
  // Without a camera, the scene that is there goes on.
  const target = camera === '' ? (others.find((one) => one.id === doc.current) ?? others[0] ?? scene) : scene;
  const into = camera === '' ? target?.id : SCENE;
  if (into === undefined) return [];
  const whole = { x: 0, y: 0, width: doc.canvas.width, height: doc.canvas.height };

  /** Has a scene show a device. */
  const have = (kind: 'camera' | 'microphone', id: string, name: string, device: string): void => {
    const first = fresh(kind);
    const settings = { ...first, settings: { ...first.settings, device } } as SourceKind;
    const item: Item = { ...freshItem(id, id, whole), fit: kind === 'camera' ? 'cover' : 'contain' };
    const known = doc.sources.find((one) => one.id === id);
    if (known?.kind !== kind) {
      const source = { id, name, audio: { gain_db: 0, muted: false, pan: 0 }, ...settings } as Source;
      all.push({ edit: 'add_source', scene: into, source, item });
      return;
    }
    if (known.settings.device !== device) all.push({ edit: 'set_source', id, source: settings });
    if (!target?.items.some((one) => one.source === id)) all.push({ edit: 'add_item', scene: into, item });
  };

  if (camera !== '' && !scene) all.push({ edit: 'add_scene', id: SCENE, name: t('Camera') });
  if (camera !== '') have('camera', CAMERA, t('Camera'), camera);
  const heard = target?.items.find((one) => one.source === MICROPHONE);
  if (microphone !== '') have('microphone', MICROPHONE, t('Microphone'), microphone);
  else if (heard) {
    // Whoever chooses to have no microphone means the one that is locked, too.
    if (heard.locked) all.push({ edit: 'set_item', scene: into, id: heard.id, patch: { locked: false } });
    all.push({ edit: 'remove_item', scene: into, id: heard.id });
  }
  if (doc.current !== into) all.push({ edit: 'switch_scene', id: into });
  return all;
}

/** Another canvas, with everything where it was as a part of it; nothing when it is that already. */
export function resized(doc: Collection, to: Canvas): Edit[] {
  const { canvas } = doc;
  if (canvas.width === to.width && canvas.height === to.height && canvas.fps === to.fps) return [];
  const all: Edit[] = [{ edit: 'set_canvas', canvas: to }];
  const [across, down] = [to.width / canvas.width, to.height / canvas.height];
  if (across === 1 && down === 1) return all;
  // What stands in a group is placed in the group.
  for (const scene of listed(doc)) {
    for (const { id, rect, locked } of scene.items) {
      const scaled = { x: rect.x * across, y: rect.y * down, width: rect.width * across, height: rect.height * down };
      all.push({ edit: 'set_item', scene: scene.id, id, patch: { rect: scaled, ...(locked ? { locked } : {}) } });
    }
  }
  return all;
}

/** The best that leaves enough for everything else; the smallest, when none does. */
export function recommended(found: readonly Quality[]): Quality | undefined {
  return found.find((one) => one.fits) ?? found.at(-1);
}

/** One of them in words: "1280 × 720, 30 a second". */
export const inWords = ({ width, height, fps }: Pick<Quality, 'width' | 'height' | 'fps'>): string => t('{width} × {height}, {fps} a second', { width, height, fps });

/** Tells one of them from the others. */
export const nameOf = ({ width, height, fps }: Pick<Quality, 'width' | 'height' | 'fps'>): string => `${width}x${height}@${fps}`;
