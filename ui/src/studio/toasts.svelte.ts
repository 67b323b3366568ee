import type { Problem } from '$lib/api';

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly bad: boolean;
  readonly action: { label: string; run: () => void } | null;
}

/** Short news at the edge of the studio. What is bad stays until it is put away. */
export class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #next = 1;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  /** Goes by itself after a while; without one it stays until it is put away. */
  say(text: string, action: Toast['action'] = null, ms: number | null = action ? 8000 : 4000): void {
    this.#show({ id: this.#next++, text, bad: false, action }, ms);
  }

  problem(problem: Problem): void {
    if (this.list.some((toast) => toast.bad && toast.text === problem.message)) return;
    this.#show({ id: this.#next++, text: problem.message, bad: true, action: null }, null);
  }

  close(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  closeNewest(): boolean {
    const newest = this.list.at(-1);
    if (newest) this.close(newest.id);
    return newest !== undefined;
  }

  #show(toast: Toast, ms: number | null): void {
    this.list = [...this.list, toast].slice(-4);
    if (ms !== null) this.#timers.set(toast.id, setTimeout(() => this.close(toast.id), ms));
  }
}
