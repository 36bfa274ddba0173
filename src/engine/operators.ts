/** The operators of one query with their state: restored from the checkpoint, and carried from batch to batch. */
import { invariant } from '../errors.ts';
import { ColumnBatch, type NumberColumn } from '../columns/batch.ts';
import { ContentHasher } from '../columns/content-hash.ts';
import { createDecoder, type Decoder } from '../columns/decoder.ts';
import { leavesOf, optional, schema, type Schema } from '../columns/schema.ts';
import { TimeZone } from '../columns/timezone.ts';
import type { AggregateChange, BatchPlan, GroupCell, GroupRow } from '../contracts/batch.ts';
import type { ResultTable } from '../contracts/batch-result.ts';
import type { Checkpoint } from '../contracts/checkpoint.ts';
import { GroupedAggregate, type RunningAggregate } from '../operators/aggregate.ts';
import { IdTable } from '../operators/id-table.ts';
import { compileRules, type RowCheck } from '../operators/rules.ts';
import { SessionAggregate } from '../operators/session-aggregate.ts';
import { MICROS_PER_MS } from '../operators/watermark.ts';
import { IdHasher } from '../operators/id-hasher.ts';
import { compileSteps, type RowSteps } from '../operators/steps.ts';
import { outputsOf } from './outputs.ts';
import { RowCollector } from './row-collector.ts';
import type { QueryPlan } from '../plan/query-plan.ts';

/** Texts that dictionaries may hold before they are emptied, in bytes: hostile values end somewhere. */
const DICTIONARY_BYTES_MAX = 32 * 1024 * 1024;
/** Columns start with room for this many rows, and grow to the largest chunk. */
const INITIAL_ROWS = 1024;

export class QueryOperators {
  readonly batch: ColumnBatch;
  readonly decoder: Decoder;
  checkRules: RowCheck;
  /** The column of event time, where the query has one. */
  readonly times: NumberColumn | undefined;
  readonly ids: IdTable;
  readonly aggregates: readonly RunningAggregate[];
  /** Carries out the plan's steps on a row; false where a filter holds it back. */
  readonly steps: RowSteps;
  readonly rows: RowCollector | undefined;
  private readonly query: QueryPlan;
  private readonly idHasher: IdHasher | undefined;
  private readonly contentHasher: ContentHasher;

  constructor(query: QueryPlan, checkpoint: Checkpoint, segmentEntries: number | undefined) {
    this.query = query;
    this.batch = new ColumnBatch(withComputed(query), INITIAL_ROWS, dictionarySeed(checkpoint.hashKey));
    this.decoder = createDecoder(query.schema, {
      valueBytesMax: query.valueBytesMax,
      ...(query.assumeTimeZone === null ? {} : { assumeTimeZone: TimeZone.of(query.assumeTimeZone) }),
    });
    this.checkRules = compileRules(query.rules, this.batch);
    const { hashKey } = checkpoint;
    const zone = TimeZone.of(query.timeZone);
    this.times = timesOf(query, this.batch);
    this.idHasher =
      query.dedupe === null ? undefined : new IdHasher(query.dedupe.columns, this.batch, hashKey);
    this.contentHasher = new ContentHasher(this.batch, hashKey, leavesOf(query.schema).length);
    this.steps = compileSteps(query.steps, this.batch, zone);
    this.rows = query.rows === null ? undefined : new RowCollector(query.rows, this.batch);
    const around = {
      batch: this.batch,
      zone,
      hashKey,
      committedGroup: (name: string, key: readonly GroupCell[]) => checkpoint.group(name, key),
    };
    this.aggregates = query.aggregates.map((aggregate) =>
      aggregate.keys.some(({ kind }) => kind === 'sessionWindow')
        ? new SessionAggregate(aggregate, around)
        : new GroupedAggregate(aggregate, around),
    );
    this.ids = new IdTable(segmentEntries);
    this.restore(checkpoint);
  }

  /** The keyed 128-bit hash of the id that {@link hash} met last; undefined where the plan compares no ids. */
  get idHash(): Int32Array | undefined {
    return this.idHasher?.words;
  }

  /** The keyed hash of that row's decoded fields. */
  get contentHash(): Int32Array {
    return this.contentHasher.words;
  }

  hash(row: number): void {
    if (this.idHasher === undefined) return;
    this.idHasher.hash(row);
    this.contentHasher.hash(row);
  }

  /** The id's text, for a message. */
  idText(row: number): string {
    return this.idHasher?.text(row) ?? '';
  }

  /** Drops state that no verdict of this batch or a later one can ask for; the numbers of the dropped segments. */
  evict(plan: BatchPlan): number[] {
    this.closeWindows(plan.watermarkMicros);
    const { delayMs } = this.query.watermark;
    if (delayMs === null || plan.watermarkMicros === null) return [];
    return this.ids.evict(plan.watermarkMicros - delayMs * MICROS_PER_MS);
  }

  /** Every group of an aggregate, with the batch in hand in it. */
  allGroups(name: string): GroupRow[] {
    const aggregate = this.aggregates.find((candidate) => candidate.name === name);
    invariant(aggregate !== undefined, `the plan has no aggregate ${name}`);
    return aggregate.all();
  }

  /** In complete mode all groups stay; a window over another time than the watermark's is never known to be over. */
  private closeWindows(watermarkMicros: number | null): void {
    const { aggregates, outputMode, watermark } = this.query;
    if (outputMode === 'complete') return;
    aggregates.forEach(({ keys }, index) => {
      const isOver = keys.some(
        (key) => (key.kind === 'window' || key.kind === 'sessionWindow') && key.column === watermark.column,
      );
      if (isOver) this.aggregates[index]?.close(watermarkMicros);
    });
  }

  /** What the batch in hand emits. */
  outputs(changes: readonly AggregateChange[]): readonly ResultTable[] {
    return outputsOf({
      query: this.query,
      leaves: this.batch.leaves,
      changes,
      allGroups: (name) => this.allGroups(name),
      rows: this.rows?.table,
    });
  }

  /** When the first open window ends, epoch microseconds; Infinity where there is none. */
  firstEndMicros(): number {
    return Math.min(Infinity, ...this.aggregates.map((aggregate) => aggregate.firstEndMicros()));
  }

  /** The batch is committed: what it added now counts. */
  committed(): void {
    for (const aggregate of this.aggregates) aggregate.committed();
  }

  /** Called between two chunks: texts that no group needs any more are forgotten with those that one does need. */
  boundDictionaries(): void {
    if (this.batch.dictionaryBytes <= DICTIONARY_BYTES_MAX) return;
    this.batch.clearDictionaries();
    for (const aggregate of this.aggregates) aggregate.forgetCodes();
    this.checkRules = compileRules(this.query.rules, this.batch);
  }

  private restore(checkpoint: Checkpoint): void {
    for (const aggregate of this.aggregates) {
      for (const row of checkpoint.groups(aggregate.name)) aggregate.restore(row);
    }
    for (const { segment, entries } of checkpoint.dedupeSegments()) this.ids.restoreSegment(segment, entries);
    for (const entries of checkpoint.dedupeAppended()) this.ids.restoreAppended(entries);
  }
}

/** The fields of the events, and behind them those that the steps compute. */
function withComputed(query: QueryPlan): Schema {
  const computed = query.steps.flatMap((step) =>
    step.kind === 'withColumn' ? [optional(step.name, step.type, 'computed')] : [],
  );
  return schema([...query.schema.fields, ...computed]);
}

function timesOf({ watermark }: QueryPlan, batch: ColumnBatch): NumberColumn | undefined {
  if (watermark.column === null) return undefined;
  const times = batch.columns[batch.indexOf(watermark.column)];
  invariant(times?.kind === 'timestamp', `column ${watermark.column} must be a timestamp`);
  return times;
}

function dictionarySeed(hashKey: Uint8Array): { low: number; high: number } {
  const words = new DataView(hashKey.buffer, hashKey.byteOffset);
  return { low: words.getInt32(0, true), high: words.getInt32(4, true) };
}
