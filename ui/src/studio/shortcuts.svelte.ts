import { en, t } from '$lib/words';
import type { Link, Shortcuts } from './link/link';
import { keymap } from './keymap.svelte';

const NOT_HERE = en('A page cannot hear keys while another program has the keyboard. In the window of Klieg, on the machine itself, these can have keys.');

/** Keys that count while another program has the keyboard: heard by the window, where the system lets it. */
class Anywhere {
  /** What the system said to each of them. */
  #state = $state.raw<Shortcuts>({ available: false, about: '', refused: {} });

  get can(): boolean {
    return this.#state.available;
  }

  get about(): string {
    return this.#state.about || t(NOT_HERE);
  }

  /** Why the keys of some actions are not heard, by action. */
  get problems(): Readonly<Record<string, string>> {
    return this.#state.refused;
  }

  /** Asks the system for these keys; others that were asked for before are given back. */
  async ask(link: Link, keys: Readonly<Record<string, string>>): Promise<void> {
    this.#state = (await link.shortcuts(keys)) ?? { available: false, about: '', refused: {} };
  }
}

export const shortcuts = new Anywhere();

/** Keeps what the system hears as the keymap has it. */
export function hearAnywhere(link: Link): void {
  $effect(() => {
    void shortcuts.ask(link, keymap.anywhere);
  });
}
