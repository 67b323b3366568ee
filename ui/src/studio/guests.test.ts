import { describe, expect, it } from 'vitest';
import type { Collection, Item, Link, SourceKind } from '$lib/api';
import { applyEdit } from './document';
import { freshItem } from './fresh';
import { bringIn, channelFor, trustPage } from './guests';

const canvas = { width: 1280, height: 720, fps: 30 };

function doc(kinds: SourceKind[], change: Partial<Item> = {}): Collection {
  const audio = { gain_db: 0, muted: false, pan: 0 };
  const sources = kinds.map((kind, n) => ({ id: `s${n}`, name: `Source ${n}`, audio, ...kind }));
  const items = sources.map(({ id }, n) => ({ ...freshItem(`i${n}`, id, { x: 0, y: 0, width: 1280, height: 720 }), ...change }));
  return { version: 1, name: 'Test', canvas, sources, scenes: [{ id: 'a', name: 'A', items }, { id: 'b', name: 'B', items: [] }], current: 'a', master_gain_db: 0 };
}

const bars: SourceKind = { kind: 'test_signal', settings: { pattern: 'bars' } };
const maria: SourceKind = { kind: 'channel', settings: { channel: 'maria' } };

describe('a guest', () => {
  it.each([
    ['Maria', [], 'maria'],
    ['José Ñandú', [], 'jose-nandu'],
    ['Maria', ['maria', 'maria-2'], 'maria-3'],
    ['Program', [], 'program-2'],
    ['  ', [], 'guest'],
    ['二郎', ['guest'], 'guest-2'],
    ['x'.repeat(90), [], 'x'.repeat(60)],
  ])('gets a channel after the name: %s', (name, taken, expected) => {
    expect(channelFor(name, taken)).toBe(expected);
    expect(expected).toMatch(/^[a-z0-9-]{1,64}$/);
  });

  it('fills an empty scene, and takes a corner of one that shows something', () => {
    const bring = (before: Collection, channel = 'maria') => {
      const { edit, item } = bringIn(before, before.scenes[0]!, channel, 'Maria');
      const after = edit ? applyEdit(before, edit) : before;
      return { after, rect: after.scenes[0]!.items.find((one) => one.id === item)?.rect };
    };
    expect(bring(doc([])).rect).toEqual({ x: 0, y: 0, width: 1280, height: 720 });
    expect(bring(doc([bars], { visible: false })).rect).toEqual({ x: 0, y: 0, width: 1280, height: 720 });
    const first = bring(doc([bars]));
    expect(first.rect).toEqual({ x: 928, y: 508, width: 320, height: 180 });
    const second = bring(first.after, 'jose');
    expect(second.rect).toEqual({ x: 576, y: 508, width: 320, height: 180 });
    expect(second.after.sources.map((source) => source.name)).toEqual(['Source 0', 'Maria', 'Maria 2']);
  });

  it('takes the place that waits for it', () => {
    const before = doc([bars, maria]);
    expect(bringIn(before, before.scenes[0]!, 'maria', 'Maria')).toEqual({ edit: null, item: 'i1' });
    const { edit } = bringIn(before, before.scenes[1]!, 'maria', 'Maria');
    expect(edit).toMatchObject({ edit: 'add_item', scene: 'b', item: { source: 's1' } });
  });
});

describe('a device that does not trust the station yet', () => {
  const at = (host: string): Link => ({ label: host, url: '', http: `http://${host}:8080`, https: `https://${host}:8443`, qr: '' });
  const links = [at('192.168.1.20'), at('studio.local')];

  it.each([
    ['https://192.168.1.20:8443/broadcast?channel=maria&key=s3', 'http://192.168.1.20:8080/trust'],
    ['https://studio.local:8443/#moderate=s3', 'http://studio.local:8080/trust'],
    // The network that the link was made on is gone: its host is the link's all the same.
    ['https://10.0.0.7:8443/studio#token=s3', 'http://10.0.0.7:8080/trust'],
  ])('learns to before %s at %s', (address, page) => expect(trustPage(address, links)).toBe(page));

  it('need not where nothing goes over HTTPS, nor where no address is known', () => {
    expect(trustPage('http://192.168.1.20:8080/watch/program?key=s3', links)).toBeNull();
    expect(trustPage('', links)).toBeNull();
    expect(trustPage('https://192.168.1.20:8443/broadcast', [])).toBeNull();
  });
});
