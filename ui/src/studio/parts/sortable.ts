/** Pixels a pointer moves before a press is a drag. */
const THRESHOLD = 5;

/**
 * Lets the rows of a list be dragged to another place. Rows are the list's children; a line shows
 * where the row would land. Esc leaves everything as it was.
 */
export function sortable(onmove: (from: number, to: number) => void): (list: HTMLElement) => () => void {
  return (list) => {
    let start: { row: HTMLElement; from: number; y: number; pointer: number } | null = null;
    let gap: number | null = null;
    const rows = (): HTMLElement[] => [...list.children].filter((row) => row instanceof HTMLElement);

    function down(event: PointerEvent): void {
      if (event.button !== 0 || event.pointerType === 'touch') return;
      const target = event.target as Element;
      if (target.closest('input, [data-fixed]')) return;
      const row = rows().find((one) => one.contains(target));
      if (row) start = { row, from: rows().indexOf(row), y: event.clientY, pointer: event.pointerId };
    }

    function move(event: PointerEvent): void {
      if (!start) return;
      if (gap === null) {
        if (Math.abs(event.clientY - start.y) < THRESHOLD) return;
        list.setPointerCapture(start.pointer);
        start.row.dataset['dragged'] = '';
      }
      const all = rows();
      const below = all.findIndex((row) => {
        const box = row.getBoundingClientRect();
        return event.clientY < box.top + box.height / 2;
      });
      gap = below < 0 ? all.length : below;
      mark(all, gap);
    }

    function mark(all: HTMLElement[], at: number | null): void {
      all.forEach((row, index) => {
        row.toggleAttribute('data-before', at === index);
        row.toggleAttribute('data-after', at === all.length && index === all.length - 1);
      });
    }

    function end(keep: boolean): void {
      if (!start) return;
      const { row, from } = start;
      const to = gap === null ? null : gap > from ? gap - 1 : gap;
      delete row.dataset['dragged'];
      mark(rows(), null);
      if (gap !== null) {
        // The press that ends a drag is no click.
        const stop = (event: Event): void => event.stopPropagation();
        list.addEventListener('click', stop, { capture: true, once: true });
        setTimeout(() => list.removeEventListener('click', stop, { capture: true }), 0);
      }
      start = null;
      gap = null;
      if (keep && to !== null && to !== from) onmove(from, to);
    }

    const up = (): void => end(true);
    const cancel = (): void => end(false);
    const key = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && gap !== null) {
        event.stopPropagation();
        end(false);
      }
    };
    list.addEventListener('pointerdown', down);
    list.addEventListener('pointermove', move);
    list.addEventListener('pointerup', up);
    list.addEventListener('pointercancel', cancel);
    addEventListener('keydown', key, { capture: true });
    return () => {
      list.removeEventListener('pointerdown', down);
      list.removeEventListener('pointermove', move);
      list.removeEventListener('pointerup', up);
      list.removeEventListener('pointercancel', cancel);
      removeEventListener('keydown', key, { capture: true });
    };
  };
}
