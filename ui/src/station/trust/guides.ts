import { t } from '$lib/words';
import type { Device } from './device';

/** How one kind of device is taught to trust the station. */
export interface Guide {
  name: string;
  /** The file it takes. */
  file: '/ca.mobileconfig' | '/ca.crt' | '/ca.pem';
  button: string;
  /** What to do once the file is there. */
  steps: string[];
  /** Something to type, and what it is for. */
  commands?: { what: string; text: string }[];
  note?: string;
}

/** The guides; `name` is the authority as the device lists it. */
export function guides(name: string): Record<Device, Guide> {
  return {
    ios: {
      name: t('iPhone and iPad'),
      file: '/ca.mobileconfig',
      button: t('Download the profile'),
      steps: [
        t('Download the profile in Safari, and allow it.'),
        t('Open Settings. “Profile Downloaded” stands at the top; else look under General › VPN & Device Management. Install it.'),
        t('Go to Settings › General › About › Certificate Trust Settings, and turn on “{name}”. Without this step it is installed but not trusted.', { name }),
      ],
    },
    android: {
      name: 'Android',
      file: '/ca.crt',
      button: t('Download the certificate'),
      steps: [
        t('Download the certificate.'),
        t('Open Settings and search for “CA certificate” (on most devices: Security › More security settings › Encryption & credentials › Install a certificate).'),
        t('Choose “CA certificate”, then “Install anyway”, and pick klieg-ca.crt among your downloads.'),
      ],
      note: t('Chrome, Edge and Samsung Internet follow the system. Firefox does after you allow it under Settings › About Firefox: tap the logo five times, then Secret Settings › Use third party CA certificates.'),
    },
    windows: {
      name: 'Windows',
      file: '/ca.crt',
      button: t('Download the certificate'),
      steps: [
        t('Download the certificate and open it.'),
        t('Choose Install Certificate › Current User › “Place all certificates in the following store” › Browse › Trusted Root Certification Authorities.'),
        t('Finish, answer Yes, and start the browser again.'),
      ],
    },
    macos: {
      name: 'Mac',
      file: '/ca.crt',
      button: t('Download the certificate'),
      steps: [
        t('Download the certificate and open it: Keychain Access takes it into “login”.'),
        t('Find “{name}” there, double-click it, and open Trust.', { name }),
        t('Set “When using this certificate” to Always Trust, and close the window.'),
      ],
    },
    linux: {
      name: 'Linux',
      file: '/ca.pem',
      button: t('Download the certificate'),
      steps: [
        t('Download the certificate.'),
        t('Firefox: Settings › Privacy & Security › View Certificates › Authorities › Import, and trust it to identify websites.'),
        t('Chrome and Chromium: Settings › Privacy and security › Security › Manage certificates › Import, or the first line below. For everything else on the machine, the second.'),
      ],
      commands: [
        { what: t('Chrome and Chromium'), text: 'certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n Klieg -i klieg-ca.pem' },
        { what: t('The whole machine'), text: 'sudo cp klieg-ca.pem /usr/local/share/ca-certificates/klieg.crt && sudo update-ca-certificates' },
      ],
    },
  };
}
