// Plants faults into copies of the sources, one at a time, and wants the test of typed queries to fail on each of them:
// a test that stays green on a broken engine is no test. Names given on the command line choose faults.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const TEST = 'test/engine/typed.property.test.ts';
const RUNS = process.env['PLANTED_RUNS'] ?? '1500';
const TIMEOUT_MS = 600_000;
const SEED = process.env['TYPED_SEED'] ?? '1';

/** @type {readonly { name: string, file: string, right: string, wrong: string }[]} */
const FAULTS = [
  {
    name: 'the watermark is moved by events that are not accepted',
    file: 'src/engine/execute.ts',
    right: 'const lateBelowMicros = watermark.lateBelowMicros;',
    wrong: 'const lateBelowMicros = watermark.lateBelowMicros; watermark.accept(eventMicros);',
  },
  {
    name: 'the watermark is the maximum over partitions',
    file: 'src/operators/watermark.ts',
    right: 'lowest = Math.min(lowest, state.maxEventMicros - delayMs * MICROS_PER_MS);',
    wrong:
      'lowest = Math.max(lowest === Infinity ? -Infinity : lowest, state.maxEventMicros - delayMs * MICROS_PER_MS);',
  },
  {
    name: 'an event at the bound is late',
    file: 'src/engine/execute.ts',
    right: 'if (eventMicros < lateBelowMicros) {',
    wrong: 'if (eventMicros <= lateBelowMicros) {',
  },
  {
    name: 'a group loses what a batch added',
    file: 'src/operators/aggregate.ts',
    right: 'this.mergeInto(group.committed, group.added);',
    wrong: 'if (group.hasCommitted) this.mergeInto(group.committed, group.added);',
  },
  {
    name: 'a group takes what a batch added twice',
    file: 'src/operators/aggregate.ts',
    right: 'this.mergeInto(group.committed, group.added);',
    wrong: 'this.mergeInto(group.committed, group.added); if (group.hasCommitted) continue;',
  },
  {
    name: 'a sink is given a batch that it holds',
    file: 'src/engine/deliveries.ts',
    right: 'if (this.written.get(sink) !== batchId)',
    wrong: 'if (batchId >= 0)',
  },
  {
    name: 'a batch that is carried out again has another watermark',
    file: 'src/engine/loop.ts',
    right: 'await this.runBatch(planned, look,',
    wrong: 'await this.runBatch({ ...planned, watermarkMicros: committed?.watermarkMicros ?? null }, look,',
  },
  {
    name: 'a window is closed while it is open',
    file: 'src/operators/aggregate.ts',
    right: 'if (group.endMicros > watermarkMicros) continue;',
    wrong: 'if (group.endMicros > watermarkMicros + 600_000_000) continue;',
  },
  {
    name: 'a window that is over waits for the next event',
    file: 'src/engine/protocol.ts',
    right: 'watermarkMicros !== null && watermarkMicros >= input.firstEndMicros;',
    wrong: 'watermarkMicros !== null && watermarkMicros === input.firstEndMicros + 1;',
  },
  {
    name: 'sessions that meet are not merged',
    file: 'src/operators/session-aggregate.ts',
    right: 'start < one.end && one.start < end)',
    wrong: 'start <= one.start && one.start < end)',
  },
  {
    name: 'sessions that touch are merged',
    file: 'src/operators/session-aggregate.ts',
    right: 'start < one.end && one.start < end)',
    wrong: 'start <= one.end && one.start <= end)',
  },
  {
    name: 'a session that became part of another stays in the checkpoint',
    file: 'src/checkpoint/aggregate-table.ts',
    right: 'for (const key of removed) this.remove.run(JSON.stringify(key));',
    wrong: 'for (const key of removed) JSON.stringify(key);',
  },
  {
    name: 'a key takes null for the text null',
    file: 'src/operators/aggregate.ts',
    right: 'this.groups.get(JSON.stringify(key)) ??',
    wrong: "this.groups.get(JSON.stringify(key.map((cell) => (cell === null ? 'null' : cell)))) ??",
  },
  {
    name: 'closed windows are loaded again at restart',
    file: 'src/checkpoint/runner.ts',
    right: "groupsOf(database, named, 'open')",
    wrong: "groupsOf(database, named, 'all')",
  },
  {
    name: 'an average loses its count at restart',
    file: 'src/operators/accumulator.ts',
    right: 'target[at + 1] = cells[1] as number;',
    wrong: 'target[at + 1] = 1;',
  },
  {
    name: 'an average is merged without its count',
    file: 'src/operators/accumulator.ts',
    right: 'target[at + 1] = (target[at + 1] as number) + (later[laterAt + 1] as number);',
    wrong: 'target[at + 1] = (target[at + 1] as number) + Math.min(1, later[laterAt + 1] as number);',
  },
  {
    name: 'the first value is the last batch’s',
    file: 'src/operators/accumulator.ts',
    right: 'if (later[laterAt] === undefined || isLater) return;',
    wrong: 'if (later[laterAt] === undefined || (isLater && target[at] !== null)) return;',
  },
  {
    name: 'the greatest text is found by UTF-16 unit',
    file: 'src/operators/accumulator.ts',
    right: "if (typeof a === 'string') return compareTexts(a, b as string);",
    wrong: "if (typeof a === 'string') return a < (b as string) ? -1 : a > (b as string) ? 1 : 0;",
  },
  {
    name: 'ids are forgotten without the delay',
    file: 'src/operators/watermark.ts',
    right: 'eventMicros + delayMs * MICROS_PER_MS >= lateBelowMicros',
    wrong: 'eventMicros >= lateBelowMicros',
  },
  {
    name: 'what a filter holds back is compared with others',
    file: 'src/engine/execute.ts',
    right: 'if (!this.operators.steps(row)) {',
    wrong: 'if (!this.operators.steps(row) && this.operators.idHash === undefined) {',
  },
  {
    name: 'days of 23 hours have 24',
    file: 'src/operators/windows.ts',
    right: 'end: instantOf(end, zone)',
    wrong: 'end: instantOf(start, zone) + (end - start)',
  },
  {
    name: 'an idle partition holds the watermark back',
    file: 'src/operators/watermark.ts',
    right: '!idlePartitions.includes(state.partition)',
    wrong: 'idlePartitions.length >= 0 && state.partition >= 0',
  },
  {
    name: 'a window that was emitted takes a redriven event',
    file: 'src/engine/late.ts',
    right: 'if (closed.length === 0) return undefined;',
    wrong: 'if (closed.length >= 0) return undefined;',
  },
  {
    name: 'a closed window begins anew with a redriven event',
    file: 'src/operators/aggregate.ts',
    right: 'if (span === undefined || span.end > this.closedUpTo) return undefined;',
    wrong: 'if (span === undefined || this.closedUpTo < Infinity) return undefined;',
  },
  {
    name: 'a record that is redriven twice counts twice after a restart',
    file: 'src/engine/execute.ts',
    right: 'this.redrivenKeys.has(key) || this.checkpoint.isRedriven(identity)',
    wrong: 'this.redrivenKeys.has(key)',
  },
  {
    name: 'a sum that is infinite is null after a restart',
    file: 'src/checkpoint/group-json.ts',
    right: "typeof value === 'number' && !Number.isFinite(value)",
    wrong: "typeof value === 'number' && Number.isNaN(value)",
  },
  {
    name: 'an array that holds a null has no other element',
    file: 'src/operators/expression-compare.ts',
    right: 'if (same === undefined) unknown = true;',
    wrong: 'if (same === undefined) return undefined;',
  },
];

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
