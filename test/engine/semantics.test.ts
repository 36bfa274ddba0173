/** What late, duplicate, idle and exact mean, one sentence of the semantics a test, through the whole engine. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redriveHeaders } from '../../src/engine/dead-letters/redrive.ts';
import { createMemorySink } from '../../src/sinks/memory.ts';
import {
  createHarness,
  groupsOf,
  recordOf,
  START_MS,
  testPlan,
  TOPIC,
  verdictsOf,
  type Harness,
} from './harness.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Some time in the past, so that nothing is ahead of the clock. */
const T0 = START_MS - 48 * HOUR;

async function withHarness(
  options: Parameters<typeof createHarness>[0],
  test: (harness: Harness) => Promise<void>,
): Promise<void> {
  const harness = await createHarness(options);
  try {
    await test(harness);
  } finally {
    await harness.close();
  }
}

describe('verdicts', () => {
  it('judges an event late against the newest accepted one at lower offsets of its own partition', () =>
    withHarness({ partitions: 2 }, async (harness) => {
      await harness.append([
        recordOf({ id: 'a', atMs: T0 + 10 * HOUR }, 0),
        recordOf({ id: 'b', atMs: T0 + 9 * HOUR }, 0),
        recordOf({ id: 'c', atMs: T0 + 9 * HOUR - 1 }, 0),
        recordOf({ id: 'd', atMs: T0 }, 1),
      ]);
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), ['0:2 LATE']);
    }));

  it('lets only accepted events move lateness', () =>
    withHarness({}, async (harness) => {
      await harness.append([
        recordOf({ id: 'a', atMs: T0 }),
        recordOf({ id: 'ahead', atMs: START_MS + HOUR }),
        recordOf({ id: 'a', atMs: T0 + 20 * HOUR, kind: 'other' }),
        recordOf({ id: 'b', atMs: T0 }),
      ]);
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), ['0:1 FUTURE_TIMESTAMP', '0:2 CONFLICTING_DUPLICATE']);
      assert.deepEqual(
        harness.view((view) => view.accounting()),
        {
          read: 4,
          accepted: 2,
          invalid: 2,
          duplicate: 0,
          late: 0,
        },
      );
    }));

  it('finds a duplicate across batches and restarts, and tells a conflict from it', () =>
    withHarness({}, async (harness) => {
      await harness.append([recordOf({ id: 'a', atMs: T0 })]);
      await harness.run();
      await harness.append([
        recordOf({ id: 'a', atMs: T0 }),
        recordOf({ id: 'a', atMs: T0, amountCents: 101 }),
        {
          ...recordOf({ id: 'x', atMs: T0 }),
          value: encode(
            `{ "amount" : 1e0, "kind":"\\u0061","id":"a","at":"${iso(T0)}","note":null,"unknown":[1] }`,
          ),
        },
      ]);
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), [
        '0:1 DUPLICATE',
        '0:2 CONFLICTING_DUPLICATE',
        '0:3 DUPLICATE',
      ]);
      assert.deepEqual(harness.view(groupsOf), { '2025-06-24 a': ['1.00', 1] });
    }));

  it('forgets an id when the watermark has passed its time plus the delay, and calls its repeat late then', () =>
    withHarness({}, async (harness) => {
      await harness.append([
        recordOf({ id: 'a', atMs: T0 }),
        recordOf({ id: 'b', atMs: T0 + 2 * HOUR }),
        recordOf({ id: 'a', atMs: T0 }),
        recordOf({ id: 'c', atMs: T0 + 2 * HOUR + 1 }),
        recordOf({ id: 'a', atMs: T0 }),
      ]);
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), ['0:2 DUPLICATE', '0:4 LATE']);
    }));

  it('bounds the future by the smaller of log timestamp and clock, plus the tolerance', () =>
    withHarness({}, async (harness) => {
      await harness.append([
        recordOf({ id: 'at the bound', atMs: START_MS + MINUTE }),
        recordOf({ id: 'beyond', atMs: START_MS + MINUTE + 1 }),
        { ...recordOf({ id: 'old record', atMs: START_MS }), timestampMs: START_MS - 2 * MINUTE },
        { ...recordOf({ id: 'stamped ahead', atMs: START_MS + 2 * MINUTE }), timestampMs: START_MS + HOUR },
      ]);
      await harness.run();
      assert.deepEqual(
        harness.view(verdictsOf),
        [1, 2, 3].map((offset) => `0:${offset} FUTURE_TIMESTAMP`),
      );
    }));

  it('makes nothing late and forgets nothing where there is no watermark', () => {
    const plan = testPlan({ watermark: { column: 'at', delayMs: null, idleTimeoutMs: MINUTE } });
    return withHarness({ plan }, async (harness) => {
      await harness.append([
        recordOf({ id: 'a', atMs: T0 + 40 * HOUR }),
        recordOf({ id: 'b', atMs: T0 }),
        recordOf({ id: 'b', atMs: T0 }),
      ]);
      await harness.run({ offsetsMax: 1 });
      assert.deepEqual(harness.view(verdictsOf), ['0:2 DUPLICATE']);
    });
  });

  it('protects evicted state when an idle partition returns', () =>
    withHarness({ partitions: 2 }, async (harness) => {
      await harness.append([recordOf({ id: 'quiet', atMs: T0 }, 1), recordOf({ id: 'a', atMs: T0 }, 0)]);
      await harness.run();
      harness.clock.advance(MINUTE);
      for (const hours of [5, 10]) {
        await harness.append([recordOf({ id: `a${hours}`, atMs: T0 + hours * HOUR }, 0)]);
        await harness.run();
      }
      await harness.append([
        recordOf({ id: 'below', atMs: T0 + 4 * HOUR - 1 }, 1),
        recordOf({ id: 'above', atMs: T0 + 4 * HOUR }, 1),
      ]);
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), ['1:1 LATE']);
    }));

  it('keeps the bytes of what it refuses, and of what is too large', () => {
    const plan = testPlan({ valueBytesMax: 64 });
    return withHarness({ plan }, async (harness) => {
      const values = [
        encode('{"id":'),
        Uint8Array.of(0xff, 0xfe),
        new Uint8Array(65).fill(0x20),
        new Uint8Array(0),
      ];
      await harness.append([
        ...values.map((value) => ({ key: null, value })),
        { key: encode('k'), value: null },
      ]);
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), [
        '0:0 MALFORMED_JSON',
        '0:1 INVALID_UTF8',
        '0:2 TOO_LARGE',
        '0:3 EMPTY',
        '0:4 EMPTY',
      ]);
      const kept = harness.view((view) =>
        [...view.deadLetters({})].map((letter) => letter.value && Uint8Array.from(letter.value)),
      );
      assert.deepEqual(kept, [...values, null]);
    });
  });
});

describe('redrive', () => {
  it('reads a redriven record like any other, and counts a repeat as a duplicate', () =>
    withHarness({}, async (harness) => {
      await harness.append([recordOf({ id: 'soon', atMs: START_MS + 2 * MINUTE })]);
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), ['0:0 FUTURE_TIMESTAMP']);
      harness.clock.advance(5 * MINUTE);
      const topicId = (await harness.log.describeTopic(TOPIC))?.id ?? '';
      const headers = redriveHeaders({ identity: { topicId, partition: 0, offset: 0 }, acceptLate: false });
      const again = { ...recordOf({ id: 'soon', atMs: START_MS + 2 * MINUTE }), headers };
      await harness.append([again]);
      await harness.run();
      await harness.append([again, again]);
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), ['0:0 FUTURE_TIMESTAMP', '0:2 DUPLICATE', '0:3 DUPLICATE']);
      assert.equal(
        harness.view((view) => view.accounting().accepted),
        1,
      );
    }));

  it('accepts a late event only where the redrive says so', () =>
    withHarness({}, async (harness) => {
      const topicId = (await harness.log.describeTopic(TOPIC))?.id ?? '';
      const late = recordOf({ id: 'late', atMs: T0 });
      const redriven = (offset: number, acceptLate: boolean) => ({
        ...late,
        headers: redriveHeaders({ identity: { topicId, partition: 0, offset }, acceptLate }),
      });
      await harness.append([
        recordOf({ id: 'a', atMs: T0 + 5 * HOUR }),
        late,
        redriven(1, false),
        redriven(2, true),
      ]);
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), ['0:1 LATE', '0:2 LATE']);
      assert.deepEqual(
        harness.view((view) => view.accounting().accepted),
        2,
      );
    }));
});

describe('recovery', () => {
  it('replays a planned batch with its recorded ranges and clock, and a sink keeps one copy', () =>
    withHarness({}, async (harness) => {
      const sink = createMemorySink();
      await harness.append([
        recordOf({ id: 'a', atMs: T0 }),
        recordOf({ id: 'ahead', atMs: START_MS + 2 * MINUTE }),
      ]);
      const crashing = { name: 'crashing', write: () => Promise.reject(new Error('the power went')) };
      await assert.rejects(harness.run({ sinks: [sink, crashing] }), /the power went/);
      await harness.append([recordOf({ id: 'b', atMs: T0 })]);
      harness.clock.advance(HOUR);
      await harness.run({ sinks: [sink] });
      const batches = sink
        .deliveries()
        .map(({ batchId, result }) => [batchId, result.accounting.read, result.plan.clockMs]);
      assert.deepEqual(batches, [
        [0, 2, START_MS],
        [1, 1, START_MS + HOUR],
      ]);
      assert.deepEqual(harness.view(verdictsOf), ['0:1 FUTURE_TIMESTAMP']);
    }));

  it('prints the last report again where it had no mark, and no other', () =>
    withHarness({}, async (harness) => {
      await harness.append([recordOf({ id: 'a', atMs: T0 })]);
      await assert.rejects(harness.run({ printerFails: true }), /printer crashed/);
      assert.deepEqual(harness.printed, []);
      await harness.run();
      await harness.run();
      assert.deepEqual(harness.printed, [{ batchId: 0, accepted: 1 }]);
    }));

  it('refuses a topic that was made anew, and records that retention took before they were read', () =>
    withHarness({}, async (harness) => {
      await harness.append([recordOf({ id: 'a', atMs: T0 })]);
      await harness.run();
      await harness.log.deleteTopic(TOPIC);
      await harness.log.createTopic(TOPIC, { partitions: 1, retentionMs: MINUTE });
      await assert.rejects(harness.run(), { code: 'TOPIC_RECREATED' });
    }));

  it('names the offsets that are gone', () =>
    withHarness({}, async (harness) => {
      await harness.log.deleteTopic(TOPIC);
      await harness.log.createTopic(TOPIC, { partitions: 1, retentionMs: MINUTE });
      await harness.append([recordOf({ id: 'a', atMs: T0 })]);
      await harness.run();
      await harness.append([recordOf({ id: 'b', atMs: T0 }), recordOf({ id: 'c', atMs: T0 })]);
      harness.clock.advance(2 * MINUTE);
      await harness.log.enforceRetention();
      await harness.append([recordOf({ id: 'd', atMs: T0 })]);
      await assert.rejects(harness.run(), { code: 'DATA_LOSS', message: /partition 0 offsets 1 to 2 \(2\)/ });
    }));
});

describe('dead letters at their limit', () => {
  it('stop the query with nothing of the batch committed, or keep positions only', () =>
    withHarness({}, async (harness) => {
      await harness.append([recordOf({ id: 'a', atMs: T0 }), { key: null, value: encode('not json') }]);
      await assert.rejects(harness.run({ deadLetterBytesMax: 7 }), { code: 'DEAD_LETTERS_FULL' });
      assert.equal(
        harness.view((view) => view.accounting().read),
        0,
      );
      await harness.run({ deadLetterBytesMax: 7, deadLettersWhenFull: 'positions' });
      const [letter] = harness.view((view) => [...view.deadLetters({})]);
      assert.deepEqual([letter?.reason, letter?.offset, letter?.value], ['MALFORMED_JSON', 1, null]);
    }));
});

describe('sums', () => {
  it('stay exact beyond 2^53 cents', () =>
    withHarness({}, async (harness) => {
      const events = Array.from({ length: 40 }, (_, n) => ({
        id: `e${n}`,
        atMs: T0,
        amountCents: 999_999_999_999_999,
      }));
      await harness.append(events.map((event) => recordOf(event)));
      await harness.run({ offsetsMax: 7 });
      const total = (999_999_999_999_999n * 40n).toString();
      assert.deepEqual(harness.view(groupsOf), {
        '2025-06-24 a': [`${total.slice(0, -2)}.${total.slice(-2)}`, 40],
      });
    }));
});

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

describe('hostile values', () => {
  it('are bounded where they would be kept: dictionaries are emptied between two chunks, groups stay', () =>
    withHarness({}, async (harness) => {
      const long = (n: number) => `${n}`.padEnd(900_000, 'x');
      for (let n = 0; n < 45; n += 1) {
        await harness.append([recordOf({ id: `e${n}`, atMs: T0, kind: n % 9 === 0 ? 'a' : long(n) })]);
      }
      await harness.run();
      const groups = harness.view(groupsOf);
      assert.deepEqual(groups['2025-06-24 a'], ['5.00', 5]);
      assert.equal(Object.keys(groups).length, 41);
    }));

  it('count a redriven late event once, however often it lies among the dead letters', () =>
    withHarness({}, async (harness) => {
      const late = recordOf({ id: 'late', atMs: T0 });
      await harness.append([recordOf({ id: 'a', atMs: T0 + 10 * HOUR }), late, late]);
      await harness.run();
      const topicId = (await harness.log.describeTopic(TOPIC))?.id ?? '';
      const redriven = [1, 2].map((offset) => ({
        ...late,
        headers: redriveHeaders({ identity: { topicId, partition: 0, offset }, acceptLate: true }),
      }));
      await harness.append(redriven);
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), ['0:1 LATE', '0:2 LATE', '0:4 DUPLICATE']);
    }));
});
