// node-media-server on a port of its own; leaves when its standard input ends.
//
//     node rtmp_node_server.cjs MODULES PORT HTTP FOLDER
//
// MODULES is a folder with a package.json whose dependencies have node-media-server.
const { createRequire } = require('node:module');
const { join } = require('node:path');

const [modules, port, http, folder] = process.argv.slice(2);
const NodeMediaServer = createRequire(join(modules, 'package.json'))('node-media-server');

const config = {
  bind: '127.0.0.1',
  notify: { url: '' },
  auth: { play: false, publish: false, secret: '' },
  rtmp: { port: Number(port) },
  http: { port: Number(http) },
  store: { path: join(folder, 'store') },
  static: { router: '/', root: folder },
  record: { path: '' },
};
new NodeMediaServer(config, join(folder, 'config.json')).run();
process.stdin.on('end', () => process.exit(0)).resume();
