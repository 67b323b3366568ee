/** What the settings page knows of settings: their names, groups, and how a typed text becomes a value. */
import type { Setting, SettingValue } from '$lib/api';

export interface Group {
  readonly title: string;
  readonly settings: readonly Setting[];
}

const GROUPS: Readonly<Record<string, string>> = {
  server: 'Addresses and access',
  encoder: 'Encoder',
  station: 'Station',
  ingest: 'Who may publish',
  'ingest.jwt': 'Tokens of an identity provider',
  recording: 'Recording and library',
  storage: 'Storage',
  log: 'Log',
};

const NAMES: Readonly<Record<string, string>> = {
  'server.http': 'HTTP',
  'server.https': 'HTTPS',
  'server.rtmp': 'RTMP',
  'server.media_udp': 'Media (UDP)',
  'server.external': 'External addresses',
  'server.ice_servers': 'STUN and TURN servers',
  'server.mdns': 'Name on the network',
  'server.remote_control': 'Control from other machines',
  'encoder.keyframe_seconds': 'Keyframe interval',
  'encoder.bitrate': 'Video bitrate',
  'station.idle_seconds': 'Idle publishers',
  'recording.quota_gigabytes': 'Room for the library',
  'recording.when_full': 'When the room is used up',
  'storage.endpoint': 'Address',
  'storage.path_style': 'Bucket behind the address',
  'storage.prefix': 'Folder in the bucket',
  'storage.keep_local': 'Files stay on this machine',
  'storage.while_on_air': 'Upload while on air',
};

/** `allowed_origins` as people read it. */
function words(key: string): string {
  const text = key.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What a setting is called. One that is not known here is called as its key is. */
export function nameOf(key: string): string {
  return NAMES[key] ?? words(key.slice(key.lastIndexOf('.') + 1));
}

/** Settings by their section, in the order in which they come; only those that `search` finds. */
export function groups(settings: readonly Setting[], search: string): Group[] {
  const wanted = search.trim().toLowerCase().split(/\s+/);
  const fits = (one: Setting): boolean => {
    const text = `${one.key} ${nameOf(one.key)} ${one.meaning} ${shown(one.value)}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
  const found = new Map<string, Setting[]>();
  for (const one of settings.filter(fits)) {
    const section = one.key.slice(0, one.key.lastIndexOf('.'));
    found.set(section, [...(found.get(section) ?? []), one]);
  }
  return [...found].map(([section, list]) => ({ title: GROUPS[section] ?? words(section.replaceAll('.', ' ')), settings: list }));
}

/** A value as it is typed: a list has one on each line. */
export function shown(value: SettingValue | undefined): string {
  if (value === undefined) return '';
  return Array.isArray(value) ? value.join('\n') : String(value);
}

/** The value that a typed text stands for. What is no number goes as text: the studio says what is wrong with it. */
export function typed(setting: Setting, text: string): SettingValue {
  const trimmed = text.trim();
  switch (setting.kind.type) {
    case 'whole':
    case 'number': {
      // As people write large numbers: 2 500 000.
      const number = Number(trimmed.replaceAll(/[\s_]/g, ''));
      return trimmed === '' || !Number.isFinite(number) ? trimmed : number;
    }
    case 'list':
      return text
        .split(/[\n,]/)
        .map((line) => line.trim())
        .filter((line) => line !== '');
    case 'secret':
      return text;
    default:
      return trimmed;
  }
}

/** A value in a sentence. */
export function inWords(value: SettingValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return typeof value === 'number' ? value.toLocaleString('en-GB').replaceAll(',', ' ') : value;
}

/** Whether it can be changed here: what the environment or the command line sets stands over the file. */
export const isFixed = (setting: Setting): boolean => setting.origin === 'environment' || setting.origin === 'command_line';

/** Who set it, for people. */
export function from(setting: Setting): string {
  switch (setting.origin) {
    case 'default':
      return 'Default';
    case 'file':
      return `From settings.toml, ${setting.place ?? ''}`;
    case 'environment':
      return `Fixed by the environment: ${setting.place ?? ''}`;
    case 'command_line':
      return `Fixed by the command line: ${setting.place ?? ''}`;
  }
}

/** When a change takes effect, where that is not at once. */
export function when(setting: Setting): string | null {
  if (setting.waits) return 'Changed: holds when Klieg is started again';
  if (setting.effect === 'restart') return 'Needs a restart';
  if (setting.effect === 'next') return setting.key.startsWith('encoder.') ? 'From the next broadcast on' : 'For whoever comes next';
  return null;
}
