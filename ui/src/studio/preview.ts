import type { Endpoints } from './link/link';

/** Bytes before each picture: sequence number and timestamp, both u64, little-endian. */
const HEADER = 16;

/** What is looked at. */
export type View = 'program' | 'preview' | 'scenes';

export type PreviewState = 'connecting' | 'open' | 'lost';

/** Takes a message of the preview apart. Nothing when it is too short to be one. */
export function parse(message: ArrayBuffer): { acknowledge: ArrayBuffer; picture: Blob } | null {
  if (message.byteLength <= HEADER) return null;
  return { acknowledge: message.slice(0, 8), picture: new Blob([message.slice(HEADER)], { type: 'image/jpeg' }) };
}

/** Draws pictures on a canvas, which takes their size. */
export function onto(canvas: HTMLCanvasElement): (picture: ImageBitmap) => void {
  const context = canvas.getContext('2d', { alpha: false });
  return (picture) => {
    if (canvas.width !== picture.width || canvas.height !== picture.height) {
      canvas.width = picture.width;
      canvas.height = picture.height;
    }
    context?.drawImage(picture, 0, 0);
    // For those who look from outside how far it is.
    canvas.dataset['frames'] = String(Number(canvas.dataset['frames'] ?? 0) + 1);
  };
}

/**
 * The program's picture. Each one is acknowledged once it stands on the canvas, so that a slow page
 * gets fewer pictures instead of late ones. Comes back by itself until it is closed.
 */
export class Preview {
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #attempt = 0;

  constructor(
    private readonly endpoints: () => Promise<Endpoints>,
    private readonly draw: (picture: ImageBitmap) => void,
    private readonly state: (state: PreviewState) => void,
    private readonly view: View = 'program',
    /** As large as a monitor needs it. */
    private readonly full = false,
  ) {
    void this.#open();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  async #open(): Promise<void> {
    this.state(this.#attempt === 0 ? 'connecting' : 'lost');
    let url: URL;
    try {
      const { http, token } = await this.endpoints();
      url = new URL('/api/preview', http);
      url.protocol = url.protocol.replace('http', 'ws');
      url.searchParams.set('token', token);
      if (this.view !== 'program') url.searchParams.set('view', this.view);
      if (this.full) url.searchParams.set('full', 'true');
    } catch {
      this.#again();
      return;
    }
    if (this.#closed) return;
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => void this.#take(socket, data as ArrayBuffer);
    socket.onclose = () => this.#again();
  }

  async #take(socket: WebSocket, message: ArrayBuffer): Promise<void> {
    const parsed = parse(message);
    if (!parsed) return;
    try {
      const picture = await createImageBitmap(parsed.picture);
      if (!this.#closed) {
        this.draw(picture);
        if (this.#attempt !== -1) this.state('open');
        this.#attempt = -1;
      }
      picture.close();
    } catch {
      // One picture that cannot be read is left out.
    }
    if (socket.readyState === WebSocket.OPEN) socket.send(parsed.acknowledge);
  }

  #again(): void {
    if (this.#closed) return;
    this.#attempt = Math.max(1, this.#attempt + 1);
    this.state('lost');
    this.#timer = setTimeout(() => void this.#open(), Math.min(4000, 250 * 2 ** this.#attempt));
  }
}
