// Writes the tables of docs/performance.md from bench/results.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';
import { withTables } from './bench/tables.js';

const path = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
const results = fileURLToPath(new URL('../bench/results/', import.meta.url));
const page = withTables(readFileSync(path, 'utf8'), results);
const options = await prettier.resolveConfig(path);
writeFileSync(path, await prettier.format(page, { ...options, filepath: path }));
