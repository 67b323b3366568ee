import type { LogLine } from '$lib/api';
import type { Door, LogBatch } from '$lib/api/operate';
import { added } from './lines';

/** The log as it grows, over a WebSocket that comes back by itself. */
export class LogFeed {
  lines = $state.raw<readonly LogLine[]>([]);
  /** Lines that this page was too slow for. */
  missed = $state(0);
  lost = $state(false);

  constructor(private readonly door: Door) {}

  /** Follows until the returned function is called. */
  start(): () => void {
    let socket: WebSocket | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let attempt = 0;
    let closed = false;
    const open = (): void => {
      const query = new URLSearchParams({ token: this.door.token ?? '', last: '100' });
      socket = new WebSocket(`${this.door.http.replace(/^http/, 'ws')}/api/logs/follow?${query}`);
      socket.onmessage = ({ data }) => {
        const batch = JSON.parse(String(data)) as LogBatch;
        attempt = 0;
        this.lost = false;
        this.missed += batch.missed;
        this.lines = added(this.lines, batch.lines);
      };
      socket.onclose = () => {
        if (closed) return;
        this.lost = true;
        attempt += 1;
        timer = setTimeout(open, Math.min(8000, 250 * 2 ** attempt));
      };
    };
    open();
    return () => {
      closed = true;
      clearTimeout(timer);
      socket?.close();
    };
  }
}
