// Plants faults into copies of the sources, one at a time, and wants the test of typed queries to fail on each of them:
// a test that stays green on a broken engine is no test. Names given on the command line choose faults.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FAULTS } from './planted/faults.js';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const TEST = 'test/engine/typed.property.test.ts';
const RUNS = process.env['PLANTED_RUNS'] ?? '1500';
const TIMEOUT_MS = 600_000;
const SEED = process.env['TYPED_SEED'] ?? '1';

const wanted = process.argv.slice(2);
const chosen = FAULTS.filter(({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
const folder = mkdtempSync(join(tmpdir(), 'tallystream-faults-'));
let failed = chosen.length === 0;
try {
  for (const part of ['src', 'test/engine', 'package.json', 'tsconfig.json']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  report('no fault', 'green');
  for (const { name, file, right, wrong } of chosen) {
    const path = join(folder, file);
    const source = readFileSync(path, 'utf8');
    if (source.split(right).length !== 2) {
      console.error(`${name}: ${file} does not have this once: ${right}`);
      failed = true;
      continue;
    }
    writeFileSync(
      path,
      source.replace(right, () => wrong),
    );
    report(name, 'red');
    writeFileSync(path, source);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(failed ? 'FAILED' : `${chosen.length} planted faults, all found (TYPED_SEED=${SEED})`);
process.exitCode = failed ? 1 : 0;

/**
 * Runs the test. Red is a property that fails with a counterexample: a copy that does not even load proves nothing.
 * @param {string} name
 * @param {'green' | 'red'} wish
 */
function report(name, wish) {
  const { status, stdout } = spawnSync(process.execPath, ['--test', TEST], {
    cwd: folder,
    env: { ...process.env, TYPED_RUNS: RUNS, TYPED_SEED: SEED, NODE_TEST_CONTEXT: undefined },
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  const found = /Property failed after (\d+) tests/.exec(stdout)?.[1];
  const color = status === 0 ? 'green' : found === undefined ? 'broken' : 'red';
  console.log(
    `${color === wish ? 'ok' : 'NOT OK'}, ${color}${found === undefined ? '' : ` after ${found} cases`}: ${name}`,
  );
  if (color === wish) return;
  failed = true;
  if (color !== 'green') console.log(stdout);
}
