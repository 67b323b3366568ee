import { t } from '$lib/words';

const LONGEST = 64;
const NAME = /^[A-Za-z0-9_-]+$/;
/** The channel of the studio's own program: nobody else publishes there. */
const PROGRAM = 'program';

/** What is wrong with a channel's name, in words; nothing when it can be one. */
export function nameProblem(name: string): string | null {
  if (name === '') return t('Give your channel a name: people find you under it.');
  if (name === PROGRAM) return t('The channel “program” is the studio’s own. Choose another name.');
  if (name.length > LONGEST) return t('A name has at most {most} characters; this one has {count}.', { most: LONGEST, count: name.length });
  if (NAME.test(name)) return null;
  const like = likeName(name);
  if (like === '') return t('A name is made of the letters a–z and A–Z, digits, - and _.');
  return t('A name is made of the letters a–z and A–Z, digits, - and _: “{like}” would do.', { like });
}

/** The nearest name that can be one; empty when nothing is left of it. */
export function likeName(text: string): string {
  return text
    .normalize('NFD')
    .replace(/[\u0300-\u036f'’]/g, '')
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, LONGEST);
}
