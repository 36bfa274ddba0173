/** A query over the sources that only read: exact however it is cut, killed and started again. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import type { Sink } from '../../src/contracts/sink.ts';
import { createRateLog, parseRateTopicId } from '../../src/log/rate/log.ts';
import { sourceFilesAt } from '../log/file/source-files.ts';
import { createHarness, groupsOf, recordOf, START_MS, testPlan, TOPIC, verdictsOf } from './harness.ts';
import { oracle, type OracleRecord } from './oracle.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 40);
const HOUR = 3_600_000;
const MINUTE = 60_000;

type Crash = 'no' | 'in a sink' | 'in the printer';
const crash: fc.Arbitrary<Crash> = fc.constantFrom('no', 'in a sink', 'in the printer');

/** One run from opening to closing, which may crash in its second batch or after its first commit. */
async function runOnce(
  harness: Awaited<ReturnType<typeof createHarness>>,
  crashes: Crash,
  offsetsMax: number,
): Promise<void> {
  let writes = 0;
  const sink: Sink = {
    name: 'crashing',
    write: async () => {
      writes += 1;
      if (writes === 2) throw new Error('crash');
    },
  };
  const options = { offsetsMax, sinks: crashes === 'in a sink' ? [sink] : [] };
  await harness.run({ ...options, printerFails: crashes === 'in the printer' }).catch((error: Error) => {
    assert.match(error.message, /crash/);
  });
}

const lines = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .record({ id: fc.nat(20), minutes: fc.integer({ min: 300, max: 606 }), amountCents: fc.nat(3) })
        .map(({ id, minutes, amountCents }): OracleRecord => ({
          event: { id: `e${id}`, atMs: START_MS - 10 * HOUR + minutes * MINUTE, kind: 'a', amountCents },
        })),
    },
    {
      weight: 1,
      arbitrary: fc.constant<OracleRecord>({
        broken: { key: null, value: new TextEncoder().encode('{') },
      }),
    },
  ),
  { maxLength: 8 },
);

describe('a query over files', () => {
  it(`gives every line one verdict, as if it had read them in one go (${RUNS} cases)`, async () => {
    const steps = fc.array(
      fc.record({
        files: fc.array(lines, { maxLength: 4 }),
        crash,
        offsetsMax: fc.integer({ min: 1, max: 9 }),
        perLook: fc.constantFrom(undefined, 1, 2),
      }),
      { minLength: 1, maxLength: 4 },
    );
    const property = fc.asyncProperty(steps, async (series) => {
      const root = mkdtempSync(join(tmpdir(), 'tallystream-files-'));
      const { open, put } = sourceFilesAt(root);
      let perLook: number | undefined;
      const harness = await createHarness({
        segmentEntries: 2,
        openLog: (clock) => open({ clock, topic: TOPIC, maxFilesPerTrigger: perLook }),
      });
      try {
        const all: OracleRecord[] = [];
        let files = 0;
        const end = { files: [], crash: 'no', offsetsMax: 5, perLook: 1 } as const;
        for (const step of [...series, end]) {
          for (const records of step.files) {
            files += 1;
            // A line's log timestamp is its file's time, and an event cannot be much later than that.
            put(`${1000 - files}.ndjson`, textOf(records), START_MS / 1000 + files);
            all.push(...records);
          }
          perLook = step.perLook;
          await runOnce(harness, step.crash, step.offsetsMax);
        }
        const expected = oracle([all], HOUR, START_MS + MINUTE);
        const accounting = harness.view((view) => view.accounting());
        assert.equal(accounting.read, all.length);
        assert.equal(accounting.accepted, expected.accepted);
        assert.deepEqual(harness.view(verdictsOf), expected.verdicts);
        const groups = [...expected.groups].map(([key, { cents, events }]) => {
          const digits = cents.toString().padStart(3, '0');
          return [key, [`${digits.slice(0, -2)}.${digits.slice(-2)}`, events]] as const;
        });
        assert.deepEqual(harness.view(groupsOf), Object.fromEntries(groups));
      } finally {
        await harness.close();
        rmSync(root, { recursive: true });
      }
    });
    await fc.assert(property, { numRuns: RUNS });
  });

  it('that reads what there is and ends reads all of it, a few files a batch', async () => {
    const root = mkdtempSync(join(tmpdir(), 'tallystream-files-'));
    const { open, put } = sourceFilesAt(root);
    const harness = await createHarness({
      openLog: (clock) => open({ clock, topic: TOPIC, maxFilesPerTrigger: 2 }),
    });
    try {
      for (let file = 0; file < 5; file += 1) {
        put(`${file}`, textOf([{ event: { id: `e${file}`, atMs: START_MS } }]));
        put(`${file}-empty`, '\n');
      }
      await harness.run();
      assert.equal(harness.view((view) => view.accounting()).read, 5);
      assert.equal(harness.printed.length, 5);
    } finally {
      await harness.close();
      rmSync(root, { recursive: true });
    }
  });

  it('refuses to go on where the index was lost', async () => {
    const root = mkdtempSync(join(tmpdir(), 'tallystream-files-'));
    const { indexFolder, open, put } = sourceFilesAt(root);
    const harness = await createHarness({ openLog: (clock) => open({ clock, topic: TOPIC }) });
    try {
      put('a', textOf([{ event: { id: 'a', atMs: START_MS } }]));
      await harness.run();
      rmSync(indexFolder, { recursive: true });
      await assert.rejects(harness.run(), { code: 'TOPIC_RECREATED' });
    } finally {
      await harness.close();
      rmSync(root, { recursive: true });
    }
  });
});

function textOf(records: readonly OracleRecord[]): string {
  const texts = records.map((record) => {
    const { value } = 'broken' in record ? record.broken : recordOf(record.event);
    return new TextDecoder().decode(value as Uint8Array);
  });
  return texts.join('\n');
}

const RATE_PLAN = testPlan({
  schema: schema([
    required('timestamp', types.timestamp(), 'when'),
    required('value', types.decimal(18, 0), 'which'),
  ]),
  rules: [{ kind: 'notAhead', field: 'timestamp', toleranceMs: 0 }],
  watermark: { column: 'timestamp', delayMs: 0, idleTimeoutMs: MINUTE },
  dedupe: null,
  aggregates: [
    {
      name: 'kinds',
      keys: [{ kind: 'date', name: 'date', column: 'timestamp' }],
      measures: [
        { kind: 'sum', name: 'total', column: 'value' },
        { kind: 'count', name: 'rows' },
      ],
    },
  ],
});

describe('a query over the rate source', () => {
  it(`counts every row once, over crashes, restarts and clocks (${RUNS} cases)`, async () => {
    const steps = fc.array(
      fc.record({ advanceMs: fc.nat({ max: 4_000 }), crash, offsetsMax: fc.integer({ min: 3, max: 40 }) }),
      { minLength: 1, maxLength: 4 },
    );
    const rate = fc.record({
      rowsPerSecond: fc.integer({ min: 1, max: 12 }),
      numPartitions: fc.integer({ min: 1, max: 3 }),
      rampUpMs: fc.constantFrom(0, 3_000),
    });
    const property = fc.asyncProperty(steps, rate, async (series, options) => {
      // What a restart has is the id of the topic alone: it says the start and the options.
      let id: string | undefined;
      const harness = await createHarness({
        plan: RATE_PLAN,
        openLog: async (clock) => {
          const kept = parseRateTopicId(id ?? '') ?? { ...options, startMs: clock.nowMs() };
          const log = createRateLog({ clock, topic: TOPIC, ...kept });
          id = (await log.describeTopic(TOPIC))?.id;
          return log;
        },
      });
      try {
        for (const step of [...series, { advanceMs: 1_000, crash: 'no', offsetsMax: 30 } as const]) {
          await runOnce(harness, step.crash, step.offsetsMax);
          harness.clock.advance(step.advanceMs);
        }
        await harness.run();
        const log = createRateLog({
          clock: harness.clock,
          ...(parseRateTopicId(id ?? '') as { startMs: number }),
        });
        const rows = (await log.offsets('rate')).reduce((sum, { latest }) => sum + latest, 0);
        const { read, accepted } = harness.view((view) => view.accounting());
        assert.deepEqual([read, accepted], [rows, rows]);
        const total = String((rows * (rows - 1)) / 2);
        assert.deepEqual(harness.view(groupsOf), rows === 0 ? {} : { '2025-06-26': [total, rows] });
      } finally {
        await harness.close();
      }
    });
    await fc.assert(property, { numRuns: RUNS });
  });

  it('refuses to go on with another start', async () => {
    let startMs = START_MS - 10_000;
    const harness = await createHarness({
      plan: RATE_PLAN,
      openLog: async (clock) => createRateLog({ clock, topic: TOPIC, startMs }),
    });
    try {
      await harness.run();
      startMs += 1;
      await assert.rejects(harness.run(), { code: 'TOPIC_RECREATED' });
    } finally {
      await harness.close();
    }
  });
});
