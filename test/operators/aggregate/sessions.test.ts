/** Sessions grow and merge over batches and restarts, and what becomes part of another is named as removed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { optional, required, schema, types } from '../../../src/columns/schema/schema.ts';
import { ColumnTable } from '../../../src/columns/table.ts';
import { TimeZone } from '../../../src/columns/values/timezone.ts';
import type { AggregateChange, GroupRow } from '../../../src/contracts/batch.ts';
import { SessionAggregate } from '../../../src/operators/aggregate/sessions.ts';
import type { Aggregate } from '../../../src/plan/query-plan.ts';

const SCHEMA = schema([
  optional('at', types.timestamp(), ''),
  required('key', types.string(), ''),
  required('name', types.string(), ''),
]);
const AGGREGATE: Aggregate = {
  name: 'sessions',
  keys: [
    { kind: 'sessionWindow', name: 'session', column: 'at', gapMs: 600_000 },
    { kind: 'column', name: 'key', column: 'key' },
  ],
  measures: [
    { kind: 'count', name: 'events' },
    { kind: 'first', name: 'head', column: 'name' },
    { kind: 'last', name: 'tail', column: 'name' },
  ],
};

function sessions() {
  const table = new ColumnTable(SCHEMA);
  const make = () =>
    new SessionAggregate(AGGREGATE, {
      batch: table.batch,
      zone: TimeZone.of('UTC'),
      hashKey: new Uint8Array(16),
    });
  let aggregate = make();
  return {
    /** Carries out one batch of events such as `10:05 x name`, and commits it. */
    batch: (...events: readonly string[]): AggregateChange => {
      for (const event of events) {
        const [time, key, name] = event.split(' ') as [string, string, string];
        table.appendCells([time === '-' ? null : `2026-01-01T${time}:00Z`, key, name]);
        aggregate.add(table.count - 1);
      }
      const change = aggregate.change();
      aggregate.committed();
      return change;
    },
    close: (time: string): readonly string[] => {
      aggregate.close(Date.parse(`2026-01-01T${time}:00Z`) * 1000);
      const { closed } = aggregate.change();
      aggregate.committed();
      return closed.map(textOf);
    },
    restart: (): void => {
      const rows = aggregate.all().toSorted((a, b) => (textOf(a) < textOf(b) ? 1 : -1));
      aggregate = make();
      for (const row of rows) aggregate.restore(JSON.parse(JSON.stringify(row)) as GroupRow);
    },
    all: () =>
      aggregate
        .all()
        .map(textOf)
        .toSorted((a, b) => (a < b ? -1 : 1)),
  };
}

function textOf({ key, measures }: GroupRow): string {
  const [start, end, ...rest] = key;
  return [String(start).slice(11, 16), String(end).slice(11, 16), ...rest, ...measures].join(' ');
}

describe('sessions', () => {
  it('grow, merge, and name those that are no more', () => {
    const { batch, all } = sessions();
    batch('10:00 x a', '10:18 x b');
    assert.deepEqual(all(), ['10:00 10:10 x 1 a a', '10:18 10:28 x 1 b b']);
    const { removed, totals, added } = batch('10:09 x c');
    assert.deepEqual(totals.map(textOf), ['10:00 10:28 x 3 a c']);
    assert.deepEqual(added.map(textOf), ['10:00 10:28 x 1 c c']);
    assert.deepEqual(
      removed.map(([start]) => String(start).slice(11, 16)),
      ['10:00', '10:18'],
    );
  });

  it('that touch stay two, and those of other keys apart', () => {
    const { batch, all } = sessions();
    batch('10:00 x a', '10:10 x b', '10:05 y c');
    assert.deepEqual(all(), ['10:00 10:10 x 1 a a', '10:05 10:15 y 1 c c', '10:10 10:20 x 1 b b']);
  });

  it('give the value read first and last, whichever session began earlier, after a restart too', () => {
    for (const restarts of [false, true]) {
      const { batch, restart, all } = sessions();
      batch('10:18 x first');
      batch('10:00 x second');
      if (restarts) restart();
      batch('10:09 x third');
      assert.deepEqual(all(), ['10:00 10:28 x 3 first third']);
    }
  });

  it('are closed at the watermark, and events without a time are in none', () => {
    const { batch, close, all } = sessions();
    batch('10:00 x a', '- x b', '10:20 x c');
    assert.deepEqual(close('10:09'), []);
    assert.deepEqual(close('10:10'), ['10:00 10:10 x 1 a a']);
    assert.deepEqual(all(), ['10:20 10:30 x 1 c c']);
  });
});
