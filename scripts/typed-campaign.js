// Runs the property test of typed queries on 10,000 cases, or TYPED_RUNS; TYPED_SEED and TYPED_PATH repeat a failure.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const TEST = fileURLToPath(new URL('../test/engine/typed.property.test.ts', import.meta.url));
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', TEST], {
  env: { TYPED_RUNS: '10000', ...process.env },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
