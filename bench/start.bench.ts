/** How long from the start of the command to the first printed batch, with events waiting in the embedded log? */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publish, runsOf, spreadOf } from './measure.ts';
import { CLI, cleanEnvironment, runMeasured } from './run-measured.ts';

const RUNS = runsOf(11);
const EVENTS = 1000;

const folder = mkdtempSync(join(tmpdir(), 'tallystream-bench-'));
try {
  await runMeasured(
    process.execPath,
    [CLI, 'produce', '--events', String(EVENTS), '--rate', 'max', '--seed', '1'],
    folder,
  );
  const bare: number[] = [];
  const own: number[] = [];
  const launched: number[] = [];
  // Taken in turn, so that a slow moment of the machine meets all of them.
  for (let run = 0; run <= RUNS; run += 1) {
    const figures = [
      await bareNodeMs(),
      await firstBatchMs(process.execPath),
      await firstBatchMs(hostNode()),
    ];
    if (run === 0) continue;
    [bare, own, launched].forEach((values, index) => values.push(figures[index] as number));
  }
  publish(
    'start',
    'Start of the command to the first printed batch, 1,000 events waiting',
    'ms: min, median, max',
    {
      'peer: node -e 0': spreadOf(bare),
      'on the Node that the package brings': spreadOf(own),
      "by the host's Node (through the launcher)": spreadOf(launched),
    },
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function bareNodeMs(): Promise<number> {
  return (await runMeasured(process.execPath, ['-e', '0'], folder)).wallMs;
}

/** The first `node` on the PATH that no package of ours brought. */
function hostNode(): string {
  const folders = (process.env['PATH'] ?? '').split(':').filter((path) => !path.includes('node_modules'));
  return folders.length > 0 ? 'node' : process.execPath;
}

function firstBatchMs(node: string): Promise<number> {
  rmSync(join(folder, 'data', 'checkpoints'), { recursive: true, force: true });
  const path = (process.env['PATH'] ?? '').split(':').filter((entry) => !entry.includes('node_modules'));
  const env = { ...cleanEnvironment(), PATH: path.join(':') };
  return new Promise((resolve, reject) => {
    const from = performance.now();
    const child = spawn(node, [CLI, 'run', '--max-batches', '1', '--ui-port', 'off'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
      env,
    });
    let text = '';
    let firstMs: number | undefined;
    child.stdout.on('data', (block: Buffer) => {
      text += block.toString();
      if (firstMs === undefined && text.includes('OUTPUT - BATCH 0')) firstMs = performance.now() - from;
    });
    child.on('exit', () => {
      if (firstMs === undefined) reject(new Error('no batch was printed'));
      else resolve(firstMs);
    });
  });
}
