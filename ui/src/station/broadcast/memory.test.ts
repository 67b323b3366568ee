import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { read, rememberKey, takeKey } from './memory';

it('what was kept is read as far as it is sound', () => {
  expect(read(null)).toMatchObject({ name: '', quality: '720p', bitrate: null, speaks: true, looped: true });
  expect(read('nonsense')).toEqual(read(null));
  expect(read('[1]')).toEqual(read(null));
  expect(read('{"name":"garden","bitrate":900000,"speaks":"no","other":1}')).toEqual({ ...read(null), name: 'garden', bitrate: 900_000 });
  expect(read('{"bitrate":-1,"name":7}')).toEqual(read(null));
});

describe('the key of a link', () => {
  let stored: Map<string, string>;
  const goTo = (address: string): unknown => vi.stubGlobal('location', new URL(address, 'http://station.local:8080'));

  beforeEach(() => {
    stored = new Map();
    vi.stubGlobal('sessionStorage', {
      getItem: (place: string) => stored.get(place) ?? null,
      setItem: (place: string, text: string) => void stored.set(place, text),
      removeItem: (place: string) => void stored.delete(place),
    });
    vi.stubGlobal('history', { replaceState: (_state: null, _title: '', to: string) => goTo(to) });
  });
  afterEach(() => vi.unstubAllGlobals());

  it('leaves the address and nothing else of it, and is there after a reload', () => {
    goTo('/broadcast?channel=maria&key=s3&guest');
    for (const _ of ['first', 'reloaded']) {
      expect(takeKey()).toEqual({ key: 's3', link: 's3' });
      expect(location.href).toBe('http://station.local:8080/broadcast?channel=maria&guest');
    }
    goTo('/broadcast?key=s4');
    expect(takeKey()).toEqual({ key: 's4', link: 's4' });
    expect(location.href).toBe('http://station.local:8080/broadcast');
  });

  it('gives way to one that was typed', () => {
    goTo('/broadcast?key=s3');
    const keys = takeKey();
    rememberKey(keys);
    expect(takeKey()).toEqual(keys);
    rememberKey({ ...keys, key: 'typed' });
    expect(takeKey()).toEqual({ key: 'typed', link: null });
  });

  it('need not be there, nor be kept', () => {
    goTo('/broadcast?channel=maria&key=');
    expect(takeKey()).toEqual({ key: '', link: null });
    expect(location.href).toBe('http://station.local:8080/broadcast?channel=maria');
    vi.stubGlobal('sessionStorage', undefined);
    goTo('/broadcast?key=s3');
    expect(takeKey()).toEqual({ key: 's3', link: 's3' });
    expect(() => rememberKey({ key: 's3', link: 's3' })).not.toThrow();
    expect(takeKey()).toEqual({ key: '', link: null });
  });
});
