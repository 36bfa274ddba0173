/** Sinks that remember what they hold: whatever dies between a batch's publishing and its commit, they hold one copy. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { BatchIdentity, Sink } from '../../src/contracts/sink.ts';
import { createHarness, groupsOf, recordOf, START_MS, type Harness } from './harness.ts';

interface Target {
  readonly batches: (BatchIdentity & { readonly accepted: number })[];
  readonly opened: (number | undefined)[];
}

interface Script {
  /** The call of `write` that ends the process, and on which side of its effect. */
  readonly fatalCall?: number;
  readonly side?: 'before' | 'after';
}

/** A sink that puts every write behind the others, as a log does: it finds no repeat by itself. */
function rememberingSink(target: Target, { fatalCall, side }: Script = {}): Sink {
  let calls = 0;
  return {
    name: 'target',
    open(_runner, committed) {
      target.opened.push(committed);
      return Promise.resolve(target.batches.at(-1)?.batchId);
    },
    write(result, identity) {
      calls += 1;
      const crash = (): Promise<never> => Promise.reject(new Error('crashed'));
      if (calls === fatalCall && side === 'before') return crash();
      target.batches.push({ ...identity, accepted: result.accounting.accepted });
      return calls === fatalCall ? crash() : Promise.resolve();
    },
  };
}

async function withTarget(test: (harness: Harness, target: Target) => Promise<void>): Promise<void> {
  const harness = await createHarness();
  try {
    await test(harness, { batches: [], opened: [] });
  } finally {
    await harness.close();
  }
}

const events = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => recordOf({ id: `e${from + index}`, atMs: START_MS }));

describe('a sink that remembers what it holds', () => {
  it('holds each batch once, whichever calls crash on which side', async () => {
    const crashes = fc.array(
      fc.record({ fatalCall: fc.integer({ min: 1, max: 4 }), side: fc.constantFrom('before', 'after') }),
      { maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(crashes, (scripts) =>
        withTarget(async (harness, target) => {
          await harness.append(events(0, 10));
          for (const script of scripts) {
            await harness
              .run({ offsetsMax: 2, sinks: [rememberingSink(target, script)] })
              .catch((error: unknown) => assert.match(String(error), /crashed/));
          }
          await harness.run({ offsetsMax: 2, sinks: [rememberingSink(target)] });
          const ids = target.batches.map(({ batchId }) => batchId);
          assert.deepEqual(ids, [0, 1, 2, 3, 4]);
          assert.deepEqual(harness.view(groupsOf), { '2025-06-26 a': ['10.00', 10] });
        }),
      ),
      { numRuns: 40 },
    );
  });

  it('is told what was committed, and takes what follows where it was off meanwhile', () =>
    withTarget(async (harness, target) => {
      await harness.append(events(0, 2));
      await harness.run();
      await harness.append(events(2, 2));
      await harness.run({ sinks: [rememberingSink(target)] });
      assert.deepEqual(target.opened, [0]);
      assert.deepEqual(
        target.batches.map(({ batchId }) => batchId),
        [1],
      );
    }));

  it('that is ahead of the checkpoint is refused, and nothing is written', () =>
    withTarget(async (harness, target) => {
      await harness.append(events(0, 2));
      const { queryId, epoch } = { queryId: 'q', epoch: 1 };
      target.batches.push({ queryId, epoch, batchId: 4, accepted: 0 });
      await assert.rejects(harness.run({ sinks: [rememberingSink(target)] }), {
        code: 'CHECKPOINT_CORRUPT',
        message: /output target is ahead of the checkpoint: it holds batch 4, .* last commit is none/,
      });
      assert.equal(target.batches.length, 1);
      assert.equal(
        harness.view((view) => view.lastBatchId()),
        null,
      );
    }));

  it('is closed when the query ends, also by a failure', () =>
    withTarget(async (harness, target) => {
      let closed = 0;
      const sink = { ...rememberingSink(target, { fatalCall: 1, side: 'before' }) };
      await harness.append(events(0, 1));
      const closing = { ...sink, close: () => Promise.resolve(void (closed += 1)) };
      await assert.rejects(harness.run({ sinks: [closing] }));
      assert.equal(closed, 1);
    }));
});

describe('dead letters on their way to a sink', () => {
  it('come in order, with their headers, and only those of the batch', () =>
    withTarget(async (harness) => {
      const header = { name: 'trace', value: new Uint8Array([1, 2]) };
      const bad = (text: string) => ({ key: null, value: Buffer.from(text), partition: 0 });
      const seen: string[][] = [];
      const sink: Sink = {
        name: 'letters',
        write(result) {
          seen.push(
            [...result.deadLetters()].map(({ offset, reason, headers }) => {
              return `${offset} ${reason} ${headers.map(({ name, value }) => `${name}=${value.join()}`).join(' ')}`;
            }),
          );
          return Promise.resolve();
        },
      };
      await harness.append([bad('{'), { ...bad('['), headers: [header] }, ...events(0, 1)]);
      await harness.run({ sinks: [sink] });
      await harness.append([bad('nothing')]);
      await harness.run({ sinks: [sink] });
      assert.deepEqual(seen, [['0 MALFORMED_JSON ', '1 MALFORMED_JSON trace=1,2'], ['3 MALFORMED_JSON ']]);
      const kept = harness.view((view) => [...view.deadLetters({})].map(({ headers }) => headers.length));
      assert.deepEqual(kept, [0, 1, 0]);
    }));
});

describe('a sink that readers see a little later', () => {
  it('has settled when everything that was there is processed', () =>
    withTarget(async (harness) => {
      const calls: string[] = [];
      await harness.append(events(0, 3));
      await harness.run({
        onDrained: () => calls.push('drained'),
        sinks: [
          {
            name: 'late',
            write: async () => void calls.push('written'),
            settle: async () => {
              await new Promise((resolve) => setImmediate(resolve));
              calls.push('settled');
            },
            close: async () => void calls.push('closed'),
          },
        ],
      });
      assert.deepEqual(calls, ['written', 'settled', 'drained', 'closed']);
    }));
});
