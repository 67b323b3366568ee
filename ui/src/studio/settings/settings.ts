/** What the settings page knows of settings: their names, groups, and how a typed text becomes a value. */
import type { Setting, SettingValue } from '$lib/api';
import { type Text, en, number, t } from '$lib/words';

export interface Group {
  /** What their keys begin with. */
  readonly section: string;
  readonly title: string;
  readonly settings: readonly Setting[];
}

const GROUPS: Readonly<Record<string, Text>> = {
  server: en('Addresses and access'),
  encoder: en('Encoder'),
  station: en('Station'),
  ingest: en('Who may publish'),
  'ingest.jwt': en('Tokens of an identity provider'),
  recording: en('Recording and library'),
  storage: en('Storage'),
  outputs: en('Outputs'),
  log: en('Log'),
};

const NAMES: Readonly<Record<string, Text>> = {
  'server.http': en('HTTP'),
  'server.https': en('HTTPS'),
  'server.rtmp': en('RTMP'),
  'server.media_udp': en('Media (UDP)'),
  'server.external': en('External addresses'),
  'server.ice_servers': en('STUN and TURN servers'),
  'server.mdns': en('Name on the network'),
  'server.remote_control': en('Control from other machines'),
  'encoder.keyframe_seconds': en('Keyframe interval'),
  'encoder.bitrate': en('Video bitrate'),
  'station.idle_seconds': en('Idle publishers'),
  'recording.quota_gigabytes': en('Room for the library'),
  'recording.when_full': en('When the room is used up'),
  'storage.endpoint': en('Address'),
  'storage.path_style': en('Bucket behind the address'),
  'storage.prefix': en('Folder in the bucket'),
  'storage.keep_local': en('Files stay on this machine'),
  'storage.while_on_air': en('Upload while on air'),
  'server.allowed_origins': en('Allowed origins'),
  'server.allowed_hosts': en('Allowed hosts'),
  'encoder.audio_bitrate': en('Audio bitrate'),
  'outputs.uplink': en('Uplink'),
  'outputs.ca_file': en('Ca file'),
  'station.max_channels': en('Max channels'),
  'station.keychain': en('Keychain'),
  'ingest.policy': en('Policy'),
  'ingest.take_over': en('Take over'),
  'ingest.jwt.key': en('Key'),
  'ingest.jwt.key_file': en('Key file'),
  'ingest.jwt.audience': en('Audience'),
  'recording.folder': en('Folder'),
  'recording.name': en('Name'),
  'recording.every_broadcast': en('Every broadcast'),
  'recording.split_minutes': en('Split minutes'),
  'recording.split_megabytes': en('Split megabytes'),
  'recording.leave_free_megabytes': en('Leave free megabytes'),
  'recording.rewind_minutes': en('Rewind minutes'),
  'recording.replay_seconds': en('Replay seconds'),
  'storage.bucket': en('Bucket'),
  'storage.region': en('Region'),
  'storage.after_recording': en('After recording'),
  'log.level': en('Level'),
};

/** `allowed_origins` as people read it. */
function words(key: string): string {
  const text = key.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function titleOf(section: string): string {
  const title = GROUPS[section];
  return title ? t(title) : words(section.replaceAll('.', ' '));
}

/** What a setting is called. One that is not known here is called as its key is. */
export function nameOf(key: string): string {
  const name = NAMES[key];
  return name ? t(name) : words(key.slice(key.lastIndexOf('.') + 1));
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
  return [...found].map(([section, list]) => ({ section, title: titleOf(section), settings: list }));
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
  if (value === undefined) return t('nothing');
  if (Array.isArray(value)) return value.length === 0 ? t('none') : value.join(', ');
  if (typeof value === 'boolean') return value ? t('on') : t('off');
  return typeof value === 'number' ? number(value).replaceAll('\u202f', ' ') : value;
}

/** Whether it can be changed here: what the environment or the command line sets stands over the file. */
export const isFixed = (setting: Setting): boolean => setting.origin === 'environment' || setting.origin === 'command_line';

/** Who set it, for people. */
export function from(setting: Setting): string {
  switch (setting.origin) {
    case 'default':
      return t('Default');
    case 'file':
      return t('From settings.toml, {place}', { place: setting.place ?? '' });
    case 'environment':
      return t('Fixed by the environment: {place}', { place: setting.place ?? '' });
    case 'command_line':
      return t('Fixed by the command line: {place}', { place: setting.place ?? '' });
  }
}

/** When a change takes effect, where that is not at once. */
export function when(setting: Setting): string | null {
  if (setting.waits) return t('Changed: holds when Klieg is started again');
  if (setting.effect === 'restart') return t('Needs a restart');
  if (setting.effect === 'next') return setting.key.startsWith('encoder.') ? t('From the next broadcast on') : t('For whoever comes next');
  return null;
}
