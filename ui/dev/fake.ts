/**
 * A stand-in for Klieg while the pages are worked on: `KLIEG_FAKE=1 npm run dev` (or `npm run preview`
 * after a build) answers as the server does, with a small show in memory. It is no part of what is built.
 */
import { spawnSync } from 'node:child_process';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Server as SocketServer } from 'socket.io';
import type { Plugin } from 'vite';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Channel, Command, Event, Message, Snapshot } from '../src/lib/api/bindings';
import { applyEdit, strips } from '../src/studio/document.ts';
import { show, stats } from './show.ts';

const TOKEN = 'fake';

const POLICY = [
  "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data: blob:",
  "font-src 'self'; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'",
].join('; ');

class Fake {
  snapshot: Snapshot = show();
  past: { label: string; doc: Snapshot['collection'] }[] = [];
  future: { label: string; doc: Snapshot['collection'] }[] = [];
  messages: Message[] = chatter();
  readonly followers = new Set<WebSocket>();
  readonly frames = pictures();
  chat: SocketServer | null = null;
  #n = 0;

  constructor() {
    setInterval(() => this.#levels(), 66).unref();
    setInterval(() => {
      this.snapshot.stats = stats(this.#n++, this.snapshot.on_air !== null);
      this.tell({ event: 'stats', stats: this.snapshot.stats });
    }, 1000).unref();
  }

  tell(event: Event): void {
    const text = JSON.stringify(event);
    for (const follower of this.followers) follower.send(text);
  }

  apply(command: Command): { code: string; message: string } | null {
    const snapshot = this.snapshot;
    const step = (label: string): void => {
      this.past.push({ label, doc: snapshot.collection });
      this.future = [];
    };
    switch (command.command) {
      case 'edit': {
        const { edit } = command;
        if (edit.edit === 'remove_scene' && snapshot.collection.scenes.length === 1) {
          return { code: 'invalid', message: 'This is the only scene; add another before you delete it.' };
        }
        if (edit.edit !== 'switch_scene') step(edit.edit.replaceAll('_', ' '));
        snapshot.collection = applyEdit(snapshot.collection, edit);
        break;
      }
      case 'undo':
      case 'redo': {
        const [from, to] = command.command === 'undo' ? [this.past, this.future] : [this.future, this.past];
        const last = from.pop();
        if (!last) return { code: 'conflict', message: `There is nothing to ${command.command}.` };
        to.push({ label: last.label, doc: snapshot.collection });
        snapshot.collection = last.doc;
        break;
      }
      case 'go_live':
        snapshot.on_air = { since: Date.now() };
        break;
      case 'end_broadcast':
        snapshot.on_air = null;
        break;
      case 'set_keys':
        snapshot.keys = command.keys;
        break;
      case 'finish_first_start':
        snapshot.first_start = false;
        break;
      case 'set_title':
        snapshot.title = command.title;
        break;
      case 'add_destination':
        snapshot.destinations.push({
          id: String(Math.random()),
          name: command.destination.name,
          target: command.destination.target,
          has_secret: command.destination.secret !== undefined,
          enabled: true,
          ...(command.destination.platform === undefined ? {} : { platform: command.destination.platform }),
          delay_seconds: command.destination.delay_seconds ?? 0,
          test: command.destination.test ?? false,
          ...(command.destination.rendition === undefined ? {} : { rendition: command.destination.rendition }),
          follow: command.destination.follow ?? false,
          advice: [],
          recent: [],
          state: { state: 'off' },
        });
        break;
      case 'set_destination':
        for (const one of snapshot.destinations) {
          if (one.id === command.id) Object.assign(one, { name: command.destination.name, target: command.destination.target });
        }
        break;
      case 'remove_destination':
        snapshot.destinations = snapshot.destinations.filter((one) => one.id !== command.id);
        break;
      case 'enable_destination':
        for (const one of snapshot.destinations) if (one.id === command.id) one.enabled = command.enabled;
        break;
      case 'say':
        this.say('host', 'host', command.text);
        break;
      default:
        break;
    }
    const labels = (steps: readonly { label: string }[]): string[] => steps.map((one) => one.label).toReversed();
    const [past, future] = [labels(this.past), labels(this.future)];
    snapshot.undo = { undo: past[0] ?? null, redo: future[0] ?? null, past, future };
    this.tell({ event: 'snapshot', snapshot });
    return null;
  }

  say(name: string, role: Message['role'], text: string): Message {
    const message: Message = { id: this.messages.length + 1, name, role, text, at: Date.now() };
    this.messages.push(message);
    this.tell({ event: 'chat', channel: 'program', message });
    this.chat?.to('program').emit('message', message);
    return message;
  }

  channels(): Channel[] {
    const { on_air, title } = this.snapshot;
    const tracks: Channel['tracks'] = [{ kind: 'video', codec: 'H.264', width: 1280, height: 720, fps: 30, bitrate: 2_500_000 }];
    return [
      { name: 'program', title, state: on_air ? 'live' : 'waiting', since: on_air?.since ?? null, source: 'program', private: false, viewers: { whep: 21, hls: 3 }, tracks },
      { name: 'auditorium', title: 'Auditorium', state: 'live', since: Date.now() - 3e6, source: 'whip', private: false, viewers: { whep: 6, hls: 0 }, tracks },
      { name: 'ana', title: 'Ana’s phone', state: 'live', since: Date.now() - 4e5, source: 'whip', private: true, viewers: { whep: 2, hls: 0 }, tracks },
    ];
  }

  #levels(): void {
    const t = Date.now() / 1000;
    const { collection } = this.snapshot;
    const scene = collection.scenes.find((one) => one.id === collection.current);
    const level = (db: number) => ({ peak: [db + 7, db + 6] as [number, number], rms: [db, db - 1] as [number, number] });
    const heard = strips(collection, scene).filter((one) => one.heard);
    this.tell({
      event: 'meters',
      meters: {
        strips: heard.map(({ source }, n) => {
          const db = source.audio.muted ? -120 : -18 + source.audio.gain_db + 5 * Math.sin(t * (2 + n)) - n * 6;
          return { source: source.id, ...level(db) };
        }),
        master: { source: null, ...level(heard.length > 0 ? -15 + 4 * Math.sin(t * 2) : -120) },
      },
    });
  }
}

function chatter(): Message[] {
  const said: [string, Message['role'], string][] = [
    ['maria', 'viewer', 'sound is great today'],
    ['host', 'host', 'thank you! questions after the break'],
    ['jo', 'viewer', 'watching from the back room, no delay at all'],
    ['sam', 'viewer', 'can you show the second camera?'],
    ['li', 'viewer', 'bravo!'],
  ];
  return said.map(([name, role, text], index) => ({ id: index + 1, name, role, text, at: Date.now() - (5 - index) * 40_000 }));
}

/** Moving pictures, as far as FFmpeg is there to make them. */
function pictures(): Buffer[] {
  const args = ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=960x540:r=15:d=2', '-f', 'image2pipe', '-c:v', 'mjpeg', '-q:v', '4', '-'];
  const { stdout } = spawnSync('ffmpeg', args, { maxBuffer: 64 << 20 });
  const found: Buffer[] = [];
  for (let at = 0; stdout && at < stdout.length; ) {
    const end = stdout.indexOf(Buffer.from([0xff, 0xd9]), at);
    if (end < 0) break;
    found.push(stdout.subarray(at, end + 2));
    at = end + 2;
  }
  return found;
}

function attach(server: HttpServer, fake: Fake): void {
  const events = new WebSocketServer({ noServer: true });
  const preview = new WebSocketServer({ noServer: true });
  const chat = new SocketServer(server, { serveClient: false, destroyUpgrade: false });
  fake.chat = chat;
  chat.on('connection', (socket) => {
    let name = 'somebody';
    socket.on('join', (_: unknown, ack: (answer: unknown) => void) => {
      void socket.join('program');
      ack({ history: fake.messages.slice(-100), viewers: { whep: 21, hls: 3 }, state: fake.snapshot.on_air ? 'live' : 'waiting' });
    });
    socket.on('name', (asked: { name: string }, ack: (answer: unknown) => void) => {
      if (asked.name === 'host') {
        ack({ error: { code: 'conflict', message: 'The name “host” is the studio’s. Choose another.' } });
        return;
      }
      name = asked.name;
      ack({ name, key: 'k'.repeat(16) });
    });
    socket.on('say', (asked: { text: string }, ack: (answer: unknown) => void) => ack({ message: fake.say(name, 'viewer', asked.text) }));
  });

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname === '/api/events') {
      if (url.searchParams.get('token') !== TOKEN) {
        socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
        return;
      }
      events.handleUpgrade(request, socket, head, (client) => {
        fake.followers.add(client);
        client.on('close', () => fake.followers.delete(client));
        client.send(JSON.stringify({ event: 'snapshot', snapshot: fake.snapshot } satisfies Event));
      });
    } else if (url.pathname === '/api/preview') {
      preview.handleUpgrade(request, socket, head, (client) => {
        let sequence = 0n;
        let open = 0;
        const timer = setInterval(() => {
          const picture = fake.frames[Number(sequence) % Math.max(1, fake.frames.length)];
          if (open >= 2 || !picture) return;
          const header = Buffer.alloc(16);
          header.writeBigUInt64LE(sequence++, 0);
          header.writeBigUInt64LE(BigInt(Date.now()) * 1_000_000n, 8);
          client.send(Buffer.concat([header, picture]));
          open += 1;
        }, 66);
        client.on('message', () => (open -= 1));
        client.on('close', () => clearInterval(timer));
      });
    }
  });
}

function answer(fake: Fake, strict: boolean, request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const json = (status: number, body: unknown): void => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  // What the server sends with its pages: whatever breaks under it shows here already.
  if (strict) response.setHeader('Content-Security-Policy', POLICY);
  const opened = request.headers.authorization === `Bearer ${TOKEN}`;
  const one = /^\/api\/channels\/([^/]+)$/.exec(url.pathname)?.[1];
  if (url.pathname === '/api/channels') json(200, fake.channels());
  else if (url.pathname === '/api/trust') {
    json(200, { port: 8443, own: false, name: 'Klieg at studio', fingerprint: Array.from({ length: 32 }, (_, n) => (n * 37 % 256).toString(16).padStart(2, '0').toUpperCase()).join(':') });
  } else if (/^\/api\/channels\/[^/]+\/picture\.jpg$/.test(url.pathname)) {
    response.writeHead(200, { 'Content-Type': 'image/jpeg' });
    response.end(fake.frames[Math.floor(Date.now() / 100) % Math.max(1, fake.frames.length)]);
  } else if (one) {
    const found = fake.channels().find((channel) => channel.name === one);
    if (found) json(200, found);
    else json(404, { code: 'not_found', message: `There is no channel ${one}.` });
  } else if (/^\/[a-z0-9._-]+\/whep$/.test(url.pathname)) {
    const name = url.pathname.split('/')[1];
    const live = fake.channels().some((channel) => channel.name === name && channel.state === 'live');
    json(live ? 503 : 404, { code: 'not_found', message: 'This stand-in has no media.' });
  } else if (/^\/[\w-]+\/whip$/.test(url.pathname)) {
    if (request.headers.authorization) json(503, { code: 'unavailable', message: 'This stand-in has no media.' });
    else json(401, { code: 'unauthorized', message: 'This station takes publishers with a key alone. Ask the host for a publish link or a stream key.' });
  } else if (url.pathname.startsWith('/hls/')) json(404, { code: 'not_found', message: 'This stand-in has no media.' });
  else if (url.pathname === '/api/snapshot') {
    if (opened) json(200, fake.snapshot);
    else json(401, { code: 'unauthorized', message: 'The control token is wrong.' });
  } else if (url.pathname === '/api/commands') {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const problem = opened ? fake.apply(JSON.parse(body) as Command) : { code: 'unauthorized', message: 'The control token is wrong.' };
      if (problem) json(problem.code === 'unauthorized' ? 401 : 409, problem);
      else response.writeHead(204).end();
    });
  } else next();
}

/** The stand-in, in development and preview. */
export function fake(): Plugin {
  const serve = (strict: boolean) => (server: { httpServer: unknown; middlewares: { use: (handler: (request: IncomingMessage, response: ServerResponse, next: () => void) => void) => unknown } }): void => {
    const made = new Fake();
    attach(server.httpServer as HttpServer, made);
    server.middlewares.use((request, response, next) => answer(made, strict, request, response, next));
  };
  return { name: 'klieg-fake', configureServer: serve(false), configurePreviewServer: serve(true) };
}
