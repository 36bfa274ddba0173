/** What every sink must do, whatever it writes to. A sink is registered beside this file with a way to read it back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { required, schema, types } from '../../../src/columns/schema/schema.ts';
import type { BatchResult } from '../../../src/contracts/batch-result.ts';
import type { Sink } from '../../../src/contracts/sink.ts';
import { resultOf, tableOf } from '../../sinks/results.ts';

/** A row of the only output, `events`, as it lies in the sink's target. */
export interface DeliveredRow {
  readonly query: string;
  readonly batch: number;
  readonly row: number;
}

export interface SinkUnderTest {
  readonly sink: Sink;
  /** Every row that the target holds, copies included, in any order. */
  readonly delivered: () => Promise<readonly DeliveredRow[]>;
  /** A sink on the same target, as a process that starts anew has it; undefined where the target dies with it. */
  readonly reopen?: () => Promise<SinkUnderTest>;
  /** Whether a target belongs to one query: another one is refused then. */
  readonly isOneQuerys?: boolean;
  close(): Promise<void>;
}

export function sinkContract(
  name: string,
  open: () => Promise<SinkUnderTest>,
  { skip = false }: { readonly skip?: string | false } = {},
): void {
  const check = (title: string, body: (subject: SinkUnderTest) => Promise<void>): void => {
    test(`${name} sink: ${title}`, { skip }, async () => {
      const subject = await open();
      try {
        await body(subject);
      } finally {
        await subject.sink.close?.();
        await subject.close();
      }
    });
  };

  check('holds a batch when its write has resolved', async ({ sink, delivered }) => {
    await write(sink, 'q', 0, 3);
    await expectRows(delivered, [['q', 0, 3]]);
  });

  check('leaves one copy of a batch that is written twice', async ({ sink, delivered }) => {
    await write(sink, 'q', 7, 3);
    await write(sink, 'q', 7, 3);
    await expectRows(delivered, [['q', 7, 3]]);
  });

  check('leaves one copy of a batch that a later runner writes again', async ({ sink, delivered }) => {
    await write(sink, 'q', 7, 3);
    await write(sink, 'q', 7, 3, 2);
    await expectRows(delivered, [['q', 7, 3]]);
  });

  check('leaves one copy of a batch that is written again after a restart', async (subject) => {
    if (subject.reopen === undefined) return;
    await subject.sink.open?.({ queryId: 'q', epoch: 1 }, 6);
    await write(subject.sink, 'q', 7, 3);
    const again = await subject.reopen();
    const held = await again.sink.open?.({ queryId: 'q', epoch: 2 }, 6);
    // The batch after the last commit is not written again where the sink says that it holds it.
    if (held !== 7) await write(again.sink, 'q', 7, 3, 2);
    await write(again.sink, 'q', 8, 1, 2);
    await expectRows(again.delivered, [
      ['q', 7, 3],
      ['q', 8, 1],
    ]);
    await again.sink.close?.();
    await again.close();
  });

  check('says that it is ahead of a checkpoint that is an older copy, where it is asked', async (subject) => {
    if (subject.reopen === undefined || subject.sink.open === undefined) return;
    await subject.sink.open({ queryId: 'q', epoch: 1 }, undefined);
    for (const batchId of [0, 1, 2]) await write(subject.sink, 'q', batchId, 1);
    const again = await subject.reopen();
    assert.equal(await again.sink.open?.({ queryId: 'q', epoch: 2 }, 0), 2);
    await again.sink.close?.();
    await again.close();
  });

  check('tells batches, and queries, apart', async ({ sink, delivered, isOneQuerys = false }) => {
    await write(sink, 'q', 0, 1);
    await write(sink, 'q', 1, 2);
    if (isOneQuerys) await assert.rejects(write(sink, 'r', 0, 3), { code: 'CONFIG_INVALID' });
    else await write(sink, 'r', 0, 3);
    await write(sink, 'q', 0, 1);
    const ofQ = [['q', 0, 1] as const, ['q', 1, 2] as const];
    await expectRows(delivered, isOneQuerys ? ofQ : [...ofQ, ['r', 0, 3]]);
  });
}

async function write(sink: Sink, queryId: string, batchId: number, rows: number, epoch = 1): Promise<void> {
  await sink.write(batch(queryId, batchId, rows), { queryId, batchId, epoch });
}

async function expectRows(
  delivered: () => Promise<readonly DeliveredRow[]>,
  batches: readonly (readonly [query: string, batch: number, rows: number])[],
): Promise<void> {
  const held = (await delivered()).map(({ query, batch, row }) => `${query} ${batch}:${row}`);
  const expected = batches.flatMap(([query, batch, rows]) =>
    Array.from({ length: rows }, (_, row) => `${query} ${batch}:${row}`),
  );
  assert.deepEqual(held.toSorted(), expected.toSorted());
}

const EVENTS = schema([
  required('query', types.string(), ''),
  required('batch', types.int(), ''),
  required('row', types.int(), ''),
]);

function batch(queryId: string, batchId: number, rows: number): BatchResult {
  const cells = Array.from({ length: rows }, (_, row) => [queryId, batchId, row]);
  return resultOf(batchId, [{ name: 'events', table: tableOf(EVENTS, cells) }]);
}
