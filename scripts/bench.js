// Runs every benchmark in bench/, or those whose names are given, one after the other: they measure time.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../bench/', import.meta.url);
const wanted = process.argv.slice(2);
const files = (existsSync(folder) ? readdirSync(folder) : [])
  .filter((file) => file.endsWith('.bench.ts'))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
  .sort();

if (files.length === 0) console.error('bench/ holds no such *.bench.ts file.');
let failed = files.length === 0;
for (const file of files) {
  const { status } = spawnSync(process.execPath, ['--expose-gc', fileURLToPath(new URL(file, folder))], {
    stdio: 'inherit',
  });
  if (status !== 0) failed = true;
}
process.exitCode = failed ? 1 : 0;
