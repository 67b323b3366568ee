/**
 * What settings are called and mean, by their key, in the reader's language. The program says the meanings too, in English alone: they
 * are shown for a key that is not here. A test compares the two, and another the keys with `docs/settings.md`.
 */
import type { Setting, SettingValue } from '$lib/api';
import { type Text, en, number, t } from '$lib/words';

interface Known {
  readonly name: Text;
  readonly meaning: Text;
  /** What the words mean that it may be set to. */
  readonly choices?: Readonly<Record<string, Text>>;
}

export const KNOWN: Readonly<Record<string, Known>> = {
  'server.http': {
    name: en('HTTP'),
    meaning: en('Where pages, the interface for programs, WHEP, HLS and chat are served. Port 0 is any free one.'),
  },
  'server.https': {
    name: en('HTTPS'),
    meaning: en('Where the same is served over TLS, which phones need for their camera; "off" for nowhere.'),
  },
  'server.rtmp': {
    name: en('RTMP'),
    meaning: en('Where encoders publish over RTMP; "off" for nowhere.'),
  },
  'server.media_udp': {
    name: en('Media (UDP)'),
    meaning: en('Where all WebRTC media goes, to viewers and from publishers.'),
  },
  'server.external': {
    name: en('External addresses'),
    meaning: en('Further addresses under which viewers reach this machine, behind a router.'),
  },
  'server.ice_servers': {
    name: en('STUN and TURN servers'),
    meaning: en('STUN and TURN servers that browsers are told of. They have names and passwords of their own, and are written in the file.'),
  },
  'server.mdns': {
    name: en('Name on the network'),
    meaning: en("Tells the network the station's name, NAME.local, and its title; not while it listens on this machine alone."),
  },
  'server.allowed_origins': {
    name: en('Allowed origins'),
    meaning: en('Sites whose pages may watch, chat and, with a token, control here.'),
  },
  'server.allowed_hosts': {
    name: en('Allowed hosts'),
    meaning: en('Further names this station answers to, beyond its addresses, its own name and .local names.'),
  },
  'server.remote_control': {
    name: en('Control from other machines'),
    meaning: en('The control token, which Klieg prints when it starts, also works from other machines. Control links do in any case.'),
  },
  'encoder.bitrate': {
    name: en('Video bitrate'),
    meaning: en('The picture of your program.'),
  },
  'encoder.keyframe_seconds': {
    name: en('Keyframe interval'),
    meaning: en('The longest time between two keyframes of your program. Platforms ask for 2.'),
  },
  'encoder.audio_bitrate': {
    name: en('Audio bitrate'),
    meaning: en('The sound of your program, in each of its codecs.'),
  },
  'outputs.uplink': {
    name: en('Uplink'),
    meaning: en('What your internet connection carries outwards, for the budget of destinations; 0 when you do not know.'),
  },
  'outputs.ca_file': {
    name: en('CA file'),
    meaning: en('A file of certificates (PEM) of an authority of your own, by which destinations are trusted as well.'),
  },
  'station.max_channels': {
    name: en('Max channels'),
    meaning: en('Channels at once, those that wait for you among them.'),
  },
  'station.idle_seconds': {
    name: en('Idle publishers'),
    meaning: en('A publisher that sends nothing for so long is ended.'),
  },
  'station.keychain': {
    name: en('Keychain'),
    meaning: en("Stream keys and tokens are kept in the system's keychain, where there is one; else in an encrypted file."),
  },
  'ingest.policy': {
    name: en('Policy'),
    meaning: en('Who may publish: those with a key, anyone, or anyone once you agree.'),
    choices: { keyed: en('Whoever has a key'), open: en('Anyone'), approve: en('Anyone, once you agree') },
  },
  'ingest.take_over': {
    name: en('Take over'),
    meaning: en('Whoever comes with the key of a channel that is live takes it over, in place of being refused.'),
  },
  'ingest.jwt.key': {
    name: en('Key'),
    meaning: en('The key that tokens of your identity provider are checked with: a public one in PEM, or a shared one.'),
  },
  'ingest.jwt.key_file': {
    name: en('Key file'),
    meaning: en('The file that holds that key, in place of the key itself; read when it is set and when settings are read again.'),
  },
  'ingest.jwt.audience': {
    name: en('Audience'),
    meaning: en('For whom such tokens have to be made (aud).'),
  },
  'recording.folder': {
    name: en('Folder'),
    meaning: en('Where recordings and clips go; without it, the folder recordings beside these settings.'),
  },
  'recording.name': {
    name: en('Name'),
    meaning: en('How files are called: {title}, {channel}, {date} and {time} stand for what they say.'),
  },
  'recording.every_broadcast': {
    name: en('Every broadcast'),
    meaning: en('Each broadcast is recorded from its beginning on.'),
  },
  'recording.split_minutes': {
    name: en('Split minutes'),
    meaning: en('A recording goes on in another file after so long; 0 for never. No picture is lost between.'),
  },
  'recording.split_megabytes': {
    name: en('Split megabytes'),
    meaning: en('A recording goes on in another file after so many megabytes; 0 for never.'),
  },
  'recording.leave_free_megabytes': {
    name: en('Leave free megabytes'),
    meaning: en('Megabytes of the disk that are left free: a recording ends before it takes them, and the show goes on.'),
  },
  'recording.quota_gigabytes': {
    name: en('Room for the library'),
    meaning: en('How much room the library may take on this machine, in gigabytes; 0 for as much as there is. You are warned before it is used up.'),
  },
  'recording.when_full': {
    name: en('When the room is used up'),
    meaning: en('When that room is used up, recordings end; or the oldest shows that are not protected are deleted for good, so that they go on.'),
    choices: { stop_recording: en('Recordings end'), delete_oldest: en('The oldest shows are deleted') },
  },
  'recording.rewind_minutes': {
    name: en('Rewind minutes'),
    meaning: en('How far viewers can go back in what is live, in minutes; 0 for not at all.'),
  },
  'recording.rewind_publishers': {
    name: en('Rewind in publishers’ channels'),
    meaning: en("They can go back in publishers' channels, too: what comes is written to the disk for as long. Else in your program alone."),
  },
  'recording.replay_seconds': {
    name: en('Replay seconds'),
    meaning: en('How much the replay button saves, in seconds.'),
  },
  'storage.endpoint': {
    name: en('Address'),
    meaning: en('The address of a storage that speaks S3, which films are uploaded to: https://s3.example.org. Its keys are entered beside, and kept like stream keys.'),
  },
  'storage.bucket': {
    name: en('Bucket'),
    meaning: en('The bucket in it.'),
  },
  'storage.region': {
    name: en('Region'),
    meaning: en("The bucket's region, as the service calls it; most services of one's own take any."),
  },
  'storage.path_style': {
    name: en('Bucket behind the address'),
    meaning: en('The bucket stands behind the address (host/bucket), which every service knows; else before it (bucket.host), which some clouds ask for.'),
  },
  'storage.prefix': {
    name: en('Folder in the bucket'),
    meaning: en('The folder in the bucket that films go to.'),
  },
  'storage.after_recording': {
    name: en('After recording'),
    meaning: en('Recordings are uploaded when you say so, or by themselves as they end.'),
    choices: { by_hand: en('Upload when I say so'), at_once: en('Upload at once') },
  },
  'storage.keep_local': {
    name: en('Files stay on this machine'),
    meaning: en('The file stays on this machine once it lies in the storage. Without it, it is removed when the storage has proved that it has the same.'),
  },
  'storage.while_on_air': {
    name: en('Upload while on air'),
    meaning: en('Uploads go on while you are on air. Without it they wait, so that the broadcast has the line for itself.'),
  },
  'log.level': {
    name: en('Level'),
    meaning: en('What is logged: error, warn, info, debug, trace, or levels by part (wire=debug,info). The variable KLIEG_LOG goes over it.'),
  },
};

/** `allowed_origins` as people read it. */
export function words(key: string): string {
  const text = key.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What a setting is called. One that is not known here is called as its key is. */
export function nameOf(key: string): string {
  const known = KNOWN[key];
  return known ? t(known.name) : words(key.slice(key.lastIndexOf('.') + 1));
}

/** What a setting does, and how far it goes where it is a number. */
export function meaningOf(setting: Setting): string {
  const known = KNOWN[setting.key];
  const meaning = known ? t(known.meaning) : setting.meaning;
  const { kind } = setting;
  return kind.type === 'whole' || kind.type === 'number' ? `${meaning} ${range(kind.unit, number(kind.min), number(kind.max))}` : meaning;
}

/** A sentence for each unit: languages bend the word, and put it where they want. */
function range(unit: string, min: string, max: string): string {
  switch (unit) {
    case 'bits per second':
      return t('{min} to {max} bits per second.', { min, max });
    case 'seconds':
      return t('{min} to {max} seconds.', { min, max });
    case 'minutes':
      return t('{min} to {max} minutes.', { min, max });
    case 'megabytes':
      return t('{min} to {max} megabytes.', { min, max });
    case 'gigabytes':
      return t('{min} to {max} gigabytes.', { min, max });
    case 'channels':
      return t('{min} to {max} channels.', { min, max });
    default:
      return t('{min} to {max} {unit}.', { min, max, unit });
  }
}

/** One of the words that a setting may be set to, for people. */
export function choiceOf(key: string, option: string): string {
  const text = KNOWN[key]?.choices?.[option];
  return text ? t(text) : option;
}

/** A value of a setting in a sentence. */
export const valueOf = ({ key, kind }: Setting, value: SettingValue | undefined): string =>
  kind.type === 'choice' && typeof value === 'string' ? choiceOf(key, value) : inWords(value);

/** A value in a sentence. */
export function inWords(value: SettingValue | undefined): string {
  if (value === undefined) return t('nothing');
  if (Array.isArray(value)) return value.length === 0 ? t('none') : value.join(', ');
  if (typeof value === 'boolean') return value ? t('on') : t('off');
  return typeof value === 'number' ? number(value).replaceAll('\u202f', ' ') : value;
}
