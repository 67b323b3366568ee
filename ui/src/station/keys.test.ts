import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { arrive, takeKeys } from './keys';

let stored: Map<string, string>;
let storage: boolean;
/** What the station lets in, as `channel secret`; anything else it refuses. */
let opens: Set<string>;
/** What was asked of it, as `channel secret`. */
let asked: string[];
/** Another answer than yes and no. */
let answer: (() => Response) | null;

const goTo = (address: string): unknown => vi.stubGlobal('location', new URL(address, 'http://station.local:8080'));
const here = (): string => location.pathname + location.search + location.hash;

beforeEach(() => {
  stored = new Map();
  storage = true;
  opens = new Set();
  asked = [];
  answer = null;
  const kept = (): Map<string, string> => {
    if (!storage) throw new DOMException('no storage', 'SecurityError');
    return stored;
  };
  vi.stubGlobal('sessionStorage', {
    getItem: (place: string) => kept().get(place) ?? null,
    setItem: (place: string, text: string) => void kept().set(place, text),
    removeItem: (place: string) => void kept().delete(place),
  });
  vi.stubGlobal('history', { replaceState: (_state: null, _title: '', to: string) => goTo(to) });
  vi.stubGlobal('fetch', async (address: string, { body }: { body: string }) => {
    const channel = /channels\/([^/]+)\/entry/.exec(address)?.[1] ?? '';
    const tried = `${channel} ${(JSON.parse(body) as { key: string }).key}`;
    asked.push(tried);
    if (answer) return answer();
    return opens.has(tried) ? Response.json({ token: tried }) : Response.json({ code: 'unauthorized', message: `No: ${tried}` }, { status: 401 });
  });
});

afterEach(async () => {
  // What a page keeps without storage lasts for the next test, too.
  answer = null;
  opens.clear();
  for (const channel of ['stage', 'garden']) await arrive(channel);
  vi.unstubAllGlobals();
});

describe('a link to one channel', () => {
  it('leaves the address at once, and opens that channel', async () => {
    opens.add('stage s1');
    goTo('/watch/stage?transport=hls&key=s1');
    const arrived = arrive('stage');
    expect(here()).toBe('/watch/stage?transport=hls');
    expect(await arrived).toEqual({ key: 's1', problem: null });
    // Watching goes on by the cookie.
    expect(await arrive('stage')).toEqual({ key: null, problem: null });
  });

  it('to moderate lasts as long as the tab, before one to watch, and until it is taken back', async () => {
    opens.add('stage m1');
    goTo('/watch/stage?key=s1#moderate=m1');
    expect(await arrive('stage')).toEqual({ key: 'm1', problem: null });
    expect(here()).toBe('/watch/stage');
    expect(await arrive('stage')).toEqual({ key: 'm1', problem: null });
    expect(await arrive('garden')).toEqual({ key: null, problem: null });
    opens.clear();
    expect(await arrive('stage')).toEqual({ key: null, problem: 'No: stage m1' });
    expect(await arrive('stage')).toEqual({ key: null, problem: null });
  });
});

describe('a link to any channel', () => {
  it('leaves the address of the home page at once, and opens each channel from there', async () => {
    for (const channel of ['stage', 'garden']) opens.add(`${channel} w`);
    goTo('/?lang=de&key=w');
    takeKeys();
    expect(here()).toBe('/?lang=de');
    goTo('/watch/stage');
    for (const channel of ['stage', 'garden', 'stage']) expect(await arrive(channel)).toEqual({ key: 'w', problem: null });
  });

  it('to moderate comes before one to watch, and a channel’s own before both', async () => {
    for (const secret of ['own', 'm', 'w']) opens.add(`stage ${secret}`);
    opens.add('garden m');
    goTo('/?key=w#moderate=m');
    takeKeys();
    expect(here()).toBe('/');
    goTo('/watch/stage?key=own');
    expect(await arrive('stage')).toEqual({ key: 'own', problem: null });
    expect(asked).toEqual(['stage own']);
    expect(await arrive('stage')).toEqual({ key: 'm', problem: null });
    expect(await arrive('garden')).toEqual({ key: 'm', problem: null });
  });

  it('takes over where a channel’s own is refused, and is not forgotten with it', async () => {
    for (const channel of ['stage', 'garden']) opens.add(`${channel} w`);
    goTo('/?key=w');
    takeKeys();
    goTo('/watch/stage#moderate=old');
    expect(await arrive('stage')).toEqual({ key: 'w', problem: null });
    expect(asked).toEqual(['stage old', 'stage w']);
    expect(await arrive('garden')).toEqual({ key: 'w', problem: null });
  });

  it('that was taken back is said to be, and forgotten, and only that one', async () => {
    opens.add('stage w');
    goTo('/?key=w#moderate=m');
    takeKeys();
    goTo('/watch/stage');
    expect(await arrive('stage')).toEqual({ key: 'w', problem: null });
    expect([...stored.values()]).toEqual(['w']);
    opens.clear();
    expect(await arrive('stage')).toEqual({ key: null, problem: 'No: stage w' });
    expect(stored.size).toBe(0);
    asked = [];
    expect(await arrive('stage')).toEqual({ key: null, problem: null });
    expect(asked).toEqual([]);
  });

  it('stays where the station does not answer, or has enough', async () => {
    goTo('/?key=w');
    takeKeys();
    goTo('/watch/stage');
    answer = () => Response.json({ code: 'too_many', message: 'Wait.' }, { status: 429 });
    expect(await arrive('stage')).toEqual({ key: 'w', problem: 'Wait.' });
    answer = () => {
      throw new TypeError('network');
    };
    expect((await arrive('stage')).key).toBe('w');
    expect([...stored.values()]).toEqual(['w']);
  });

  it('lasts as long as the page where nothing is stored', async () => {
    storage = false;
    opens.add('stage w');
    goTo('/?key=w');
    takeKeys();
    goTo('/watch/stage');
    expect(await arrive('stage')).toEqual({ key: 'w', problem: null });
  });
});
