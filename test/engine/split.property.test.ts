/** However the input is cut into batches, killed and restarted, every record gets the oracle's verdict. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Sink } from '../../src/contracts/sink.ts';
import { createHarness, groupsOf, recordOf, START_MS, verdictsOf } from './harness.ts';
import { oracle, type OracleRecord } from './oracle.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 150);
const HOUR = 3_600_000;
const MINUTE = 60_000;

/** Minutes over some ten hours around the delay of one, some of them in the future. */
const event = (partition: number): fc.Arbitrary<OracleRecord> =>
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc
        .record({
          id: fc.nat(12),
          minutes: fc.oneof(fc.nat(600), fc.integer({ min: 500, max: 606 })),
          kind: fc.constantFrom('a', 'b', '__proto__'),
          amountCents: fc.nat(3),
        })
        .map(({ id, minutes, kind, amountCents }) => ({
          event: {
            id: `p${partition}-${id}`,
            atMs: START_MS - 10 * HOUR + minutes * MINUTE,
            kind,
            amountCents,
          },
        })),
    },
    {
      weight: 1,
      arbitrary: fc.constant({ broken: { key: null, value: new TextEncoder().encode('{'), partition } }),
    },
  );

interface Step {
  /** How many records of each partition are appended before this run. */
  readonly append: readonly [number, number];
  readonly offsetsMax: number;
  readonly crash: 'no' | 'in a sink' | 'in the printer';
}

const step: fc.Arbitrary<Step> = fc.record({
  append: fc.tuple(fc.nat(12), fc.nat(12)),
  offsetsMax: fc.integer({ min: 1, max: 9 }),
  crash: fc.constantFrom('no', 'no', 'in a sink', 'in the printer'),
});

const scenario = fc.record({
  first: fc.array(event(0), { maxLength: 40 }),
  second: fc.array(event(1), { maxLength: 40 }),
  steps: fc.array(step, { minLength: 1, maxLength: 6 }),
});

describe('verdicts and totals', () => {
  it(`do not depend on batches, crashes or restarts (${RUNS} cases)`, async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ first, second, steps }) => {
        const expected = oracle([first, second], HOUR, START_MS + MINUTE);
        const harness = await createHarness({ partitions: 2, segmentEntries: 1 });
        try {
          const left = [[...first], [...second]];
          for (const action of [...steps, { append: [99, 99], offsetsMax: 7, crash: 'no' } as const]) {
            const records = left.flatMap((records, partition) =>
              records
                .splice(0, action.append[partition] as number)
                .map((record) => inputOf(record, partition)),
            );
            if (records.length > 0) await harness.append(records);
            await runStep(harness, action);
          }
          assert.deepEqual(harness.view(verdictsOf), expected.verdicts);
          assert.equal(
            harness.view((view) => view.accounting().accepted),
            expected.accepted,
          );
          assert.deepEqual(harness.view(groupsOf), groupTexts(expected.groups));
          assert.deepEqual(printedOnce(harness.printed), 'every batch once, in order');
        } finally {
          await harness.close();
        }
      }),
      { numRuns: RUNS },
    );
  });
});

async function runStep(harness: Awaited<ReturnType<typeof createHarness>>, action: Step): Promise<void> {
  const offsetsMax = action.offsetsMax;
  if (action.crash === 'in a sink') {
    let writes = 0;
    const sink: Sink = {
      name: 'crashing',
      write: async () => {
        writes += 1;
        if (writes === 2) throw new Error('crash');
      },
    };
    await harness.run({ offsetsMax, sinks: [sink] }).catch(expectCrash);
  } else
    await harness.run({ offsetsMax, printerFails: action.crash === 'in the printer' }).catch(expectCrash);
}

function expectCrash(error: Error): void {
  assert.match(error.message, /crash/);
}

function inputOf(record: OracleRecord, partition: number) {
  return 'broken' in record ? record.broken : recordOf(record.event, partition);
}

function groupTexts(groups: ReadonlyMap<string, { cents: bigint; events: number }>): Record<string, unknown> {
  return Object.fromEntries(
    [...groups]
      .map(([key, { cents, events }]) => {
        const digits = cents.toString().padStart(3, '0');
        return [key, [`${digits.slice(0, -2)}.${digits.slice(-2)}`, events]] as const;
      })
      .toSorted((a, b) => (a[0] < b[0] ? -1 : 1)),
  );
}

function printedOnce(printed: readonly unknown[]): string {
  const ids = printed.map((report) => (report as { batchId: number }).batchId);
  return ids.every((id, index) => id === index) ? 'every batch once, in order' : `batches ${ids.join(' ')}`;
}
