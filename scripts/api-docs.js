// Writes docs/api from the docstrings of what src/index.ts exports, as `npm run build` has left them in dist.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { apiPages } from './docs/pages.js';

const folder = new URL('../docs/api/', import.meta.url);
const index = readFileSync(new URL('../src/index.ts', import.meta.url), 'utf8');
const pages = apiPages({ index, dist: fileURLToPath(new URL('../dist/', import.meta.url)) });
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const [name, text] of pages) writeFileSync(new URL(name, folder), text);
