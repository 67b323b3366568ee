import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Where a running Klieg answers while the pages are worked on with `npm run dev`. */
const backend = process.env['KLIEG_HTTP'] ?? 'http://127.0.0.1:8080';
/** Whether a stand-in answers instead. */
const alone = process.env['KLIEG_FAKE'] === '1';
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The server gives `/studio` the studio's page; so does the development server. */
const studioRoute: Plugin = {
  name: 'klieg-studio-route',
  configureServer: (server) => void server.middlewares.use(toStudio),
  configurePreviewServer: (server) => void server.middlewares.use(toStudio),
};

function toStudio(request: { url?: string | undefined }, _response: unknown, next: () => void): void {
  if (/^\/studio\/?($|\?)/.test(request.url ?? '')) request.url = '/studio.html';
  next();
}

export default defineConfig({
  plugins: [svelte(), studioRoute, ...(alone ? [(await import('./dev/fake.ts')).fake()] : [])],
  resolve: { alias: { $lib: here('./src/lib') } },
  build: {
    target: 'es2022',
    // Everything is a file of its own: the pages run under a policy without `data:` scripts or fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { station: here('./index.html'), studio: here('./studio.html'), projector: here('./projector.html') },
    },
  },
  server: {
    host: '127.0.0.1',
    port: 5173,
    strictPort: false,
    proxy: alone
      ? {}
      : {
          '/api': { target: backend, ws: true },
          '/socket.io': { target: backend, ws: true },
          '/hls': backend,
          '/ws': { target: backend, ws: true },
          '^/[A-Za-z0-9_-]+/wh[ei]p': backend,
        },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
