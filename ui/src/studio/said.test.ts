import { expect, test } from 'vitest';
import { placeName, reasonOf } from './said';

// In English each is called as the program calls it: nothing of the name is lost.
test.each(['This machine', 'This network', 'By name (studio.local)', 'Wi-Fi (wlan0)', 'Ethernet (enp3s0), fd00::1', 'VPN (wg0)', 'Virtual (br-1 (two))', 'wwan0', 'Local Area (2)'])('%s', (label) => {
  expect(placeName(label)).toBe(label);
});

test('a reason that nobody knows stays as it is', () => {
  expect(reasonOf('the setting station.keychain says so')).toBe('the setting station.keychain says so');
  expect(reasonOf('the keychain refuses: no')).toBe('the keychain refuses: no');
});
