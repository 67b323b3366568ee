/** What the program says in English and the studio shows in the reader's language, where it is known. */
import { type Text, en, t } from '$lib/words';

const REASONS: Readonly<Record<string, Text>> = {
  'the setting station.keychain says so': en('the setting station.keychain says so'),
  'this session has no keychain (no D-Bus session bus)': en('this session has no keychain (no D-Bus session bus)'),
};

/** Why keys are kept in a file, and not in the keychain. */
export function reasonOf(reason: string): string {
  const known = REASONS[reason];
  return known ? t(known) : reason;
}

/** The label of a link: `Wi-Fi (wlan0)`, `This machine`; with an address behind it where two are called the same. */
export function placeName(label: string): string {
  if (label === 'This machine') return t('This machine');
  if (label === 'This network') return t('This network');
  const [, kind, name = '', rest = ''] = /^([\w -]+) \((.+)\)(, .+)?$/.exec(label) ?? [];
  switch (kind) {
    case 'By name':
      return t('By name ({name})', { name }) + rest;
    case 'Wi-Fi':
      return t('Wi-Fi ({name})', { name }) + rest;
    case 'Ethernet':
      return t('Ethernet ({name})', { name }) + rest;
    case 'VPN':
      return t('VPN ({name})', { name }) + rest;
    case 'Virtual':
      return t('Virtual ({name})', { name }) + rest;
    default:
      // An interface that is called by its own name.
      return label;
  }
}
