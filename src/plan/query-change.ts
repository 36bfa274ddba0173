/**
 * How a query may differ from the one that wrote a checkpoint and still continue with it: pure decisions. What speaks about
 * events not yet read (filters, rules, limits, output columns) is in no fingerprint; what is in one is judged here.
 */
import type { Fingerprint, FingerprintDifference } from './fingerprint.ts';
import { differences } from './fingerprint.ts';
import { referencedColumns } from './expression/node.ts';
import type { Aggregate, OutputMode } from './query-plan.ts';
import type { Step } from './step.ts';

type ComputedColumn = Extract<Step, { kind: 'withColumn' }>;

/** An aggregate as a checkpoint has it, with the batches that it counted: those from `since` on that are before `until`. */
export interface StoredAggregate extends Aggregate {
  /** Left out where it counted from the first batch on. */
  readonly sinceBatchId?: number;
  /** Left out where it still counts. */
  readonly untilBatchId?: number;
}

export interface StoredQuery {
  readonly fingerprint: Fingerprint;
  readonly aggregates: readonly StoredAggregate[];
}

export interface AskedQuery {
  readonly fingerprint: Fingerprint;
  readonly aggregates: readonly Aggregate[];
}

/** The position of the checkpoint: the next batch to commit, and whether it is planned already. */
export interface Position {
  readonly nextBatchId: number;
  readonly isPlanned: boolean;
}

export interface QueryChange {
  /** Parts for which the query cannot continue; empty if it can. */
  readonly refused: readonly FingerprintDifference[];
  readonly added: readonly Aggregate[];
  readonly removed: readonly StoredAggregate[];
  /** Came back before any batch was committed without them. */
  readonly resumed: readonly StoredAggregate[];
  readonly mode: { readonly stored: string; readonly asked: string } | undefined;
  /** What the checkpoint holds from now on, with the added ones at the end. */
  readonly aggregates: readonly StoredAggregate[];
}

export function changeOf(stored: StoredQuery, asked: AskedQuery, position: Position): QueryChange {
  const lists = matchAggregates(stored.aggregates, asked.aggregates, position.nextBatchId);
  const refused = differences(stored.fingerprint, asked.fingerprint).flatMap((difference) =>
    judgePart(difference, stored, asked, lists.kept),
  );
  const { added, removed, resumed } = lists;
  const mode = { stored: modeOf(stored.fingerprint), asked: modeOf(asked.fingerprint) };
  return {
    refused: [...refused, ...lists.refused, ...judgePlanned(lists, position)],
    added,
    removed,
    resumed,
    mode: mode.stored === mode.asked ? undefined : mode,
    aggregates: stored.aggregates
      .map((each) => markOf(each, lists, position.nextBatchId))
      .concat(added.map((each) => sinceBatch(each, position.nextBatchId))),
  };
}

/** Whether continuing with `asked` needs nothing that the state does not have; the reasons are in the docs' table. */
function isModeKept(stored: string, asked: string, closesGroups: boolean): boolean {
  if (stored === asked) return true;
  // Every group is written already, and is written again whenever it changes.
  if (stored === 'complete' && asked === 'update') return true;
  // Closed groups are no longer held, and the whole result would lack them.
  return stored === 'update' && asked === 'complete' && !closesGroups;
}

interface Matched {
  readonly kept: readonly StoredAggregate[];
  readonly added: readonly Aggregate[];
  readonly removed: readonly StoredAggregate[];
  readonly resumed: readonly StoredAggregate[];
  readonly refused: readonly FingerprintDifference[];
}

function matchAggregates(
  stored: readonly StoredAggregate[],
  asked: readonly Aggregate[],
  nextBatchId: number,
): Matched {
  const kept: StoredAggregate[] = [];
  const resumed: StoredAggregate[] = [];
  const added: Aggregate[] = [];
  const refused: FingerprintDifference[] = [];
  // SQLite takes names that differ only in the case of letters for one table.
  const same = (a: Aggregate, b: Aggregate): boolean => a.name.toLowerCase() === b.name.toLowerCase();
  const removed = stored.filter(
    (each) => each.untilBatchId === undefined && !asked.some((other) => same(each, other)),
  );
  for (const aggregate of asked) {
    const before = stored.find((each) => same(each, aggregate));
    const renamed = removed.find((each) => bodyOf(each) === bodyOf(aggregate));
    if (before === undefined && renamed === undefined) added.push(aggregate);
    else if (before === undefined || textOf(before) !== textOf(aggregate)) {
      refused.push(aggregateDifference(before ?? (renamed as StoredAggregate), aggregate));
    } else if (before.untilBatchId === undefined) kept.push(before);
    else if (before.untilBatchId === nextBatchId) resumed.push(before);
    else {
      refused.push({
        part: `aggregate ${aggregate.name}`,
        stored: `not counted from batch ${before.untilBatchId} on`,
        asked: 'to be counted again, with a gap; use another name to count from now on',
      });
    }
  }
  return { kept: [...kept, ...resumed], added, removed, resumed, refused };
}

function aggregateDifference(before: StoredAggregate, now: Aggregate): FingerprintDifference {
  return { part: 'aggregates', stored: `[${textOf(before)}]`, asked: `[${JSON.stringify(now)}]` };
}

/** A sink may hold the planned batch as the old query made it, and would not take it again. */
function judgePlanned(
  { added, removed }: Matched,
  { nextBatchId, isPlanned }: Position,
): FingerprintDifference[] {
  if (!isPlanned || added.length + removed.length === 0) return [];
  return [
    {
      part: `batch ${nextBatchId}`,
      stored: 'planned with other aggregates',
      asked: 'to be run with these; run the previous query until that batch is committed',
    },
  ];
}

function judgePart(
  difference: FingerprintDifference,
  stored: StoredQuery,
  asked: AskedQuery,
  kept: readonly StoredAggregate[],
): readonly FingerprintDifference[] {
  switch (difference.part) {
    case 'aggregates':
      return [];
    case 'output mode': {
      const before = modeOf(stored.fingerprint);
      const time = stored.fingerprint['event time column'];
      const isKept =
        kept.length === 0 ||
        isModeKept(
          before,
          modeOf(asked.fingerprint),
          kept.some((each) => closesGroups(each, time)),
        );
      return isKept ? [] : [difference];
    }
    case 'computed columns':
      return judgeComputed(stored.fingerprint, asked.fingerprint, kept);
    default:
      return [difference];
  }
}

/** Of the computed columns only those that state is made of; which are the same ones before and after where that is kept. */
function judgeComputed(
  stored: Fingerprint,
  asked: Fingerprint,
  kept: readonly StoredAggregate[],
): FingerprintDifference[] {
  const roots = [
    stored['event time column'] ?? '',
    ...(stored['dedupe columns'] ?? '').split(', '),
    ...kept.flatMap(({ keys, measures }) => [...keys, ...measures].map(({ column }) => column ?? '')),
  ];
  const before = neededOf(roots, computedIn(stored));
  const now = neededOf(roots, computedIn(asked));
  const gone = before.filter((text) => !now.includes(text));
  const come = now.filter((text) => !before.includes(text));
  if (gone.length + come.length === 0) return [];
  return [{ part: 'computed columns', stored: `[${gone.join()}]`, asked: `[${come.join()}]` }];
}

function computedIn(fingerprint: Fingerprint): readonly ComputedColumn[] {
  return JSON.parse(fingerprint['computed columns'] ?? '[]') as ComputedColumn[];
}

/** The computed columns that these columns are, or are made of, each as its JSON. */
function neededOf(roots: readonly string[], computed: readonly ComputedColumn[]): string[] {
  const needed = new Set<ComputedColumn>();
  const visit = (path: string): void => {
    const column = computed.find(({ name }) => name === path);
    if (column === undefined || needed.has(column)) return;
    needed.add(column);
    referencedColumns(column.expression).forEach(visit);
  };
  roots.forEach(visit);
  return [...needed].map((column) => JSON.stringify(column));
}

/** As the engine closes them: windows over the watermark's own time. */
function closesGroups({ keys }: Aggregate, timeColumn: string | undefined): boolean {
  return keys.some(
    ({ kind, column }) => (kind === 'window' || kind === 'sessionWindow') && column === timeColumn,
  );
}

function modeOf(fingerprint: Fingerprint): OutputMode | 'none' {
  return (fingerprint['output mode'] ?? 'none') as OutputMode | 'none';
}

function textOf({ sinceBatchId: _since, untilBatchId: _until, ...aggregate }: StoredAggregate): string {
  return JSON.stringify(aggregate);
}

function bodyOf({ keys, measures }: Aggregate): string {
  return JSON.stringify([keys, measures]);
}

function sinceBatch(aggregate: Aggregate, batchId: number): StoredAggregate {
  return batchId === 0 ? aggregate : { ...aggregate, sinceBatchId: batchId };
}

function markOf(each: StoredAggregate, { removed, resumed }: Matched, nextBatchId: number): StoredAggregate {
  if (removed.includes(each)) return { ...each, untilBatchId: nextBatchId };
  if (!resumed.includes(each)) return each;
  const { untilBatchId: _until, ...counting } = each;
  return counting;
}
