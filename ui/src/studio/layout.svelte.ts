import { clamp } from '$lib/format';
import { type Text, en } from '$lib/words';

/** The docks that can be hidden. */
export const DOCKS = ['scenes', 'sources', 'transitions', 'mixer', 'destinations', 'properties', 'share', 'chat'] as const;
export type Dock = (typeof DOCKS)[number];

export const DOCK_NAMES: Record<Dock, Text> = {
  scenes: en('Scenes'),
  sources: en('Sources'),
  transitions: en('Transition'),
  mixer: en('Mixer'),
  destinations: en('Destinations'),
  properties: en('Properties'),
  share: en('Share'),
  chat: en('Chat'),
};

/** Sizes in pixels that a person sets by dragging, with their limits. */
const sizes = {
  side: { size: 308, min: 240, max: 520 },
  properties: { size: 264, min: 220, max: 420 },
  bottom: { size: 252, min: 180, max: 480 },
  scenes: { size: 200, min: 150, max: 420 },
  sources: { size: 264, min: 200, max: 480 },
  transitions: { size: 236, min: 200, max: 400 },
  destinations: { size: 248, min: 200, max: 480 },
};
export type Edge = keyof typeof sizes;

interface Stored {
  sizes: Partial<Record<Edge, number>>;
  hidden: Dock[];
}

const KEY = 'klieg.layout';

/** Where the docks stand, kept in this browser. */
export class Layout {
  #sizes = $state<Record<Edge, number>>(initial());
  #hidden = $state.raw<readonly Dock[]>([]);

  constructor() {
    try {
      const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Stored>;
      for (const edge of Object.keys(sizes) as Edge[]) {
        const size = stored.sizes?.[edge];
        if (typeof size === 'number') this.#sizes[edge] = limited(edge, size);
      }
      this.#hidden = DOCKS.filter((dock) => stored.hidden?.includes(dock));
    } catch {
      // Nothing kept, or nothing that can be read: as at first.
    }
  }

  size(edge: Edge): number {
    return this.#sizes[edge];
  }

  limits(edge: Edge): { min: number; max: number } {
    return sizes[edge];
  }

  resize(edge: Edge, size: number): void {
    this.#sizes[edge] = limited(edge, size);
    this.#keep();
  }

  reset(edge: Edge): void {
    this.resize(edge, initial()[edge]);
  }

  shows(dock: Dock): boolean {
    return !this.#hidden.includes(dock);
  }

  show(dock: Dock, shown: boolean): void {
    this.#hidden = DOCKS.filter((one) => (one === dock ? !shown : this.#hidden.includes(one)));
    this.#keep();
  }

  /** As at first. */
  restore(): void {
    this.#hidden = [];
    this.#sizes = initial();
    this.#keep();
  }

  #keep(): void {
    try {
      const stored: Stored = { sizes: this.#sizes, hidden: [...this.#hidden] };
      localStorage.setItem(KEY, JSON.stringify(stored));
    } catch {
      // A private window: it lasts as long as the page.
    }
  }
}

/** On a large screen the docks begin larger, on a small one smaller. */
function initial(): Record<Edge, number> {
  const roomy = clamp(innerWidth / 1440, 0.88, 1.25);
  const edges = Object.keys(sizes) as Edge[];
  return Object.fromEntries(edges.map((edge) => [edge, limited(edge, sizes[edge].size * roomy)])) as Record<Edge, number>;
}

function limited(edge: Edge, size: number): number {
  const { min, max } = sizes[edge];
  return Math.round(clamp(size, min, max));
}
