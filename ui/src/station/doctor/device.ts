import { t } from '$lib/words';

/** What a browser and its system are called: `Chrome 130 on Android`. */
export function deviceName(userAgent: string): string {
  const browsers: readonly [string, RegExp][] = [
    ['Edge', /Edg(?:A|iOS)?\/(\d+)/],
    ['Opera', /OPR\/(\d+)/],
    ['Samsung Internet', /SamsungBrowser\/(\d+)/],
    ['Firefox', /(?:Firefox|FxiOS)\/(\d+)/],
    ['Chrome', /(?:Chrome|CriOS)\/(\d+)/],
    ['Safari', /Version\/(\d+)[^ ]* .*Safari/],
  ];
  const systems: readonly [string, RegExp][] = [
    ['iPhone', /iPhone/],
    ['iPad', /iPad/],
    ['Android', /Android/],
    ['Windows', /Windows/],
    ['macOS', /Macintosh/],
    ['ChromeOS', /CrOS/],
    ['Linux', /Linux|X11/],
  ];
  const system = systems.find(([, pattern]) => pattern.test(userAgent))?.[0] ?? t('an unknown system');
  for (const [name, pattern] of browsers) {
    const version = pattern.exec(userAgent)?.[1];
    if (version) return t('{browser} on {system}', { browser: `${name} ${version}`, system });
  }
  return t('A browser on {system}', { system });
}
