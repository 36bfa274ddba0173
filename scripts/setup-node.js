// The last step of a checkout's set-up: if this machine's Node is too old, fetches one for the checkout; then says which
// Node runs Tallystream. It runs on the machine's own Node, so it keeps to what Node 18 has.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  findPackagedNode,
  NODE_NEEDED,
  nodePackage,
  PACKAGED_NODE_VERSION,
  shortfall,
} from '../bin/launcher.js';

const reason = shortfall(process.versions);
if (reason === undefined) {
  console.error(`Tallystream is installed and runs on Node ${process.version}.`);
} else {
  const name = nodePackage(process.platform, process.arch);
  if (name !== undefined) {
    console.error(`${sentence(reason)}; fetching Node ${PACKAGED_NODE_VERSION} for this checkout (once) ...`);
    fetchNode(name);
  }
  const own = findPackagedNode(process.platform, process.arch);
  if ('path' in own) {
    console.error(`Tallystream is installed and runs on its own Node v${own.version}.`);
  } else {
    console.error(`Tallystream cannot run: ${reason}. ${own.missing} Install ${NODE_NEEDED}.`);
    process.exitCode = 3;
  }
}

/** @param {string} name */
function fetchNode(name) {
  const words = ['install', '--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'];
  spawnSync('npm', [...words, '--loglevel=error', `${name}@${PACKAGED_NODE_VERSION}`], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
}

/** @param {string} text */
function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
