// Runs the property test of typed queries on 10,000 cases, or TYPED_RUNS, a thousand a process, so that it can be seen how
// far it is. TYPED_SEED is the first one's seed, and the others count on from it; with TYPED_PATH one failure is repeated.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const TEST = fileURLToPath(new URL('../test/engine/typed.property.test.ts', import.meta.url));
const SLICE_RUNS = 1000;

const { TYPED_RUNS = '10000', TYPED_SEED, TYPED_PATH } = process.env;
const firstSeed = Number(TYPED_SEED ?? Date.now() % 2 ** 31);
const runs = Number(TYPED_RUNS);
for (let done = 0; done < runs; done += SLICE_RUNS) {
  const slice = Math.min(SLICE_RUNS, runs - done);
  const seed = firstSeed + done / SLICE_RUNS;
  const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', TEST], {
    env: { ...process.env, TYPED_RUNS: String(slice), TYPED_SEED: String(seed) },
    stdio: 'inherit',
  });
  console.log(`${status === 0 ? 'ok' : 'FAILED'}: ${done + slice} of ${runs} cases, TYPED_SEED=${seed}`);
  if (status !== 0 || TYPED_PATH !== undefined) {
    process.exitCode = status ?? 1;
    break;
  }
}
