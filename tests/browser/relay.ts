/** A path between a browser and the station that loses and breaks as a test wants it: UDP on the loopback. */
import { type Socket, createSocket } from 'node:dgram';
import { once } from 'node:events';

/** SplitMix32: the same losses in every run. */
function luck(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}

export class Relay {
  /** The share of media and reports that is lost, either way. Checks and handshakes come through. */
  loss = 0;
  #next = luck(42);
  #gone = new Set<number>();
  #legs = new Map<number, Socket>();

  private constructor(
    private readonly near: Socket,
    private readonly station: number,
  ) {}

  /** Stands before the station's media port. */
  static async before(mediaUdp: string): Promise<Relay> {
    const near = createSocket('udp4');
    near.bind(0, '127.0.0.1');
    await once(near, 'listening');
    const relay = new Relay(near, Number(mediaUdp.split(':').at(-1)));
    near.on('message', (data, from) => relay.#up(data, from.port, from.address));
    return relay;
  }

  get port(): number {
    return this.near.address().port;
  }

  /** An SDP of the station that leads here. */
  leads(sdp: string): string {
    return sdp.replaceAll(/^(a=candidate:\S+ 1 udp \d+ \S+) \d+ /gm, `$1 ${this.port} `);
  }

  /** Whoever has come so far is heard no more, as after a change of network. */
  forget(): void {
    for (const port of this.#legs.keys()) this.#gone.add(port);
  }

  close(): void {
    for (const leg of this.#legs.values()) leg.close();
    this.near.close();
  }

  #lost(data: Buffer): boolean {
    const media = data.length > 1 && data[0]! >= 128 && data[0]! < 192;
    return media && this.#next() < this.loss;
  }

  #up(data: Buffer, port: number, address: string): void {
    if (this.#gone.has(port) || this.#lost(data)) return;
    let leg = this.#legs.get(port);
    if (!leg) {
      leg = createSocket('udp4');
      leg.on('message', (back) => {
        if (!this.#gone.has(port) && !this.#lost(back)) this.near.send(back, port, address);
      });
      this.#legs.set(port, leg);
    }
    leg.send(data, this.station, '127.0.0.1');
  }
}
