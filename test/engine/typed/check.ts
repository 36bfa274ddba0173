/** Holds what a case came to against the oracle. */
import assert from 'node:assert/strict';
import type { AggregateDraw, TypedCase } from './case.ts';
import { ROW_COLUMNS } from './case.ts';
import {
  cellOf,
  groupsOf,
  isWithinError,
  judge,
  type Cell,
  type Expected,
  type Group,
  type Judged,
} from './oracle.ts';
import { verdictsOf } from '../harness.ts';
import type { Emitted, Ran } from './run.ts';

export function check(drawn: TypedCase, ran: Ran): void {
  const judged = judge(drawn, ran.log, ran.plans);
  const verdicts = ran.view(verdictsOf);
  assert.deepEqual(verdicts, judged.verdicts, 'verdicts');
  const watermarks = ran.plans.map(({ watermarkMicros }) =>
    watermarkMicros === null ? null : watermarkMicros / 1000,
  );
  assert.deepEqual(watermarks, judged.watermarks, 'watermarks');
  checkAccounting(judged, ran);
  if (isIndependentOfCuts(drawn, judged)) {
    const clockMs = ran.lastLookMs;
    const ranges = ran.log.map((records, partition) => ({ partition, start: 0, end: records.length }));
    assert.deepEqual(
      verdicts,
      judge(drawn, ran.log, [{ clockMs, ranges }]).verdicts,
      'verdicts of one batch',
    );
  }
  const batches = ran.plans.map(({ batchId }) => ran.emitted.get(batchId) as Emitted);
  if (drawn.aggregates.length === 0) {
    const rows = batches.flatMap((tables) => tables['typed-query'] ?? []);
    assert.deepEqual(
      rows,
      judged.rows.map((row) => [...ROW_COLUMNS.map((name) => cellOf(drawn, name, row[name])), row.tags]),
      'rows',
    );
  }
  for (const [index, aggregate] of drawn.aggregates.entries()) {
    checkAggregate({ drawn, ran, judged, batches, aggregate, name: `totals${index}` });
  }
}

function checkAccounting(judged: Judged, ran: Ran): void {
  const { read, accepted, invalid, duplicate, late } = ran.view((view) => view.accounting());
  const isOne = (reason: string) => (verdict: string) => verdict.endsWith(` ${reason}`);
  const expected = {
    read: judged.read,
    accepted: judged.read - judged.verdicts.length,
    duplicate: judged.verdicts.filter(isOne('DUPLICATE')).length,
    late: judged.verdicts.filter(isOne('LATE')).length,
  };
  assert.deepEqual({ read, accepted, duplicate, late }, expected, 'accounting');
  assert.equal(invalid, read - accepted - duplicate - late);
  assert.equal(read, ran.log.flat().length, 'every record was read once');
}

/**
 * Not where a partition was idle, nor where one id may stand in two partitions: the cut decides which was first. Nor where
 * a late event is redriven in append mode: the batches decide whether its window was still open.
 */
function isIndependentOfCuts(drawn: TypedCase, { idle }: Judged): boolean {
  const redrivesLate = drawn.steps.some(({ redrives }) => redrives.some(({ acceptLate }) => acceptLate));
  if (redrivesLate && drawn.mode === 'append' && drawn.aggregates.length > 0) return false;
  if (drawn.partitions === 1) return !idle;
  return !idle && (drawn.dedupe === null || (drawn.dedupe.includes('id') && !drawn.acrossPartitions));
}

interface Aggregated {
  readonly drawn: TypedCase;
  readonly ran: Ran;
  readonly judged: Judged;
  readonly batches: readonly Emitted[];
  readonly aggregate: AggregateDraw;
  readonly name: string;
}

function checkAggregate({ drawn, ran, judged, batches, aggregate, name }: Aggregated): void {
  const groups = groupsOf(drawn, aggregate, judged.rows);
  const stored = ran.view((view) => [...view.groups(name)]);
  same(tableOf(stored.map(({ key, measures }) => [...key, ...measures])), groups, aggregate, 'checkpoint');
  // Keys and measures are single values.
  const given = batches.map((tables) => (tables[name] ?? []) as readonly (readonly Cell[])[]);
  if (drawn.mode === 'complete') same(tableOf(given.at(-1) ?? []), groups, aggregate, 'complete');
  else if (drawn.mode === 'update') {
    const last = new Map<string, readonly Cell[]>();
    for (const row of given.flat()) last.set(keyOf(row, aggregate), row);
    same(tableOf([...last.values()]), groups, aggregate, 'update');
  } else {
    const watermark = judged.watermarkAt(ran.lastLookMs) ?? -Infinity;
    const over = groups.filter(({ endMs }) => endMs !== null && endMs <= watermark);
    const rows = given.flat();
    const keys = rows.map((row) => keyOf(row, aggregate));
    assert.equal(new Set(keys).size, keys.length, 'append: each window once');
    same(tableOf(rows), over, aggregate, 'append');
  }
}

function keyCells({ keys, window }: AggregateDraw): number {
  return keys.length + (window.kind === 'none' ? 0 : 2);
}

function keyOf(row: readonly Cell[], aggregate: AggregateDraw): string {
  return JSON.stringify(row.slice(0, keyCells(aggregate)));
}

const tableOf = (rows: readonly (readonly Cell[])[]): readonly (readonly Cell[])[] => rows;

/** Rows and groups, both in order of key; counts stand as numbers in one place and as text in another. */
function same(
  rows: readonly (readonly Cell[])[],
  groups: readonly Group[],
  aggregate: AggregateDraw,
  what: string,
): void {
  const width = keyCells(aggregate);
  const sortedRows = rows.toSorted((a, b) => inOrder(keyOf(a, aggregate), keyOf(b, aggregate)));
  const sortedGroups = groups.toSorted((a, b) => inOrder(JSON.stringify(a.key), JSON.stringify(b.key)));
  const counts = aggregate.measures.map(([kind]) => kind === 'count' || kind === 'approxCountDistinct');
  const actual = sortedRows.map((row, at) => [
    ...row.slice(0, width),
    ...row.slice(width).map((cell, index) => {
      const value = counts[index] === true ? Number(cell) : cell;
      return settled(value, sortedGroups[at]?.measures[index]);
    }),
  ]);
  const expected = sortedGroups.map(({ key, measures }) => [
    ...key,
    ...measures.map((each) => (typeof each === 'object' && each !== null ? `about ${each.about}` : each)),
  ]);
  assert.deepEqual(actual, expected, what);
}

function settled(value: Cell, expected: Expected | undefined): Cell {
  if (typeof expected !== 'object' || expected === null) return value;
  return isWithinError(value as number, expected.about) ? `about ${expected.about}` : value;
}

const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
