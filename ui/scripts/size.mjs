// A viewer on a slow line waits for every byte: the scripts that the station's page names, and those
// they import at once, stay under 150 kB as they are, before compression.
import { readFile } from 'node:fs/promises';

const LIMIT = 150_000;
const dist = new URL('../dist/', import.meta.url);
const page = await readFile(new URL('index.html', dist), 'utf8');
const found = new Set();

async function take(path) {
  if (found.has(path)) return 0;
  found.add(path);
  const code = await readFile(new URL(path, dist));
  let sum = code.length;
  for (const [, next] of code.toString().matchAll(/(?:from|import)\s*["'`]\.\/([^"'`]+\.js)["'`]/g)) sum += await take(`assets/${next}`);
  return sum;
}

let total = 0;
for (const [, path] of page.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)) total += await take(path);
console.log(`station: ${found.size} scripts, ${(total / 1000).toFixed(1)} kB of ${LIMIT / 1000}`);
if (found.size === 0 || total > LIMIT) {
  console.error('The station has grown too large. Fetch what it does not need at once with import().');
  process.exit(1);
}
