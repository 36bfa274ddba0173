/** The operators of one query with their state: restored from the checkpoint, and carried from batch to batch. */
import { invariant } from '../errors.ts';
import { ColumnBatch, type NumberColumn, type StringColumn } from '../columns/batch.ts';
import { ContentHasher } from '../columns/content-hash.ts';
import { createDecoder, type Decoder } from '../columns/decoder.ts';
import { SipHash128 } from '../columns/siphash.ts';
import { TimeZone } from '../columns/timezone.ts';
import type { BatchPlan, GroupRow } from '../contracts/batch.ts';
import type { Checkpoint } from '../contracts/checkpoint.ts';
import { GroupedAggregate } from '../operators/aggregate.ts';
import { IdTable } from '../operators/id-table.ts';
import { compileRules, type RowCheck } from '../operators/rules.ts';
import { MICROS_PER_MS } from '../operators/watermark.ts';
import type { QueryPlan } from '../plan/query-plan.ts';

/** Texts that dictionaries may hold before they are emptied, in bytes: hostile values end somewhere. */
const DICTIONARY_BYTES_MAX = 32 * 1024 * 1024;
/** Columns start with room for this many rows, and grow to the largest chunk. */
const INITIAL_ROWS = 1024;

export class QueryOperators {
  readonly batch: ColumnBatch;
  readonly decoder: Decoder;
  checkRules: RowCheck;
  /** The column of event time. */
  readonly times: NumberColumn;
  readonly ids: IdTable;
  readonly aggregates: readonly GroupedAggregate[];
  private readonly query: QueryPlan;
  private readonly idColumn: StringColumn;
  private readonly idHasher: SipHash128;
  private readonly contentHasher: ContentHasher;

  constructor(query: QueryPlan, checkpoint: Checkpoint, segmentEntries: number | undefined) {
    this.query = query;
    this.batch = new ColumnBatch(query.schema, INITIAL_ROWS, dictionarySeed(checkpoint.hashKey));
    this.decoder = createDecoder(query.schema, {
      valueBytesMax: query.valueBytesMax,
      ...(query.assumeTimeZone === null ? {} : { assumeTimeZone: TimeZone.of(query.assumeTimeZone) }),
    });
    this.checkRules = compileRules(query.rules, this.batch);
    const times = this.batch.columns[this.batch.indexOf(query.watermark.column)];
    invariant(times?.kind === 'timestamp', `column ${query.watermark.column} must be a timestamp`);
    this.times = times;
    const idColumn = this.batch.columns[this.batch.indexOf(query.dedupe.column)];
    invariant(idColumn?.kind === 'string', `column ${query.dedupe.column} must be plain text`);
    this.idColumn = idColumn;
    this.idHasher = new SipHash128(checkpoint.hashKey);
    this.contentHasher = new ContentHasher(this.batch, checkpoint.hashKey);
    const zone = TimeZone.of(query.timeZone);
    this.aggregates = query.aggregates.map((aggregate) => new GroupedAggregate(aggregate, this.batch, zone));
    this.ids = new IdTable(segmentEntries);
    this.restore(checkpoint);
  }

  /** The keyed 128-bit hash of the id that {@link hash} met last. */
  get idHash(): Int32Array {
    return this.idHasher.words;
  }

  /** The keyed hash of that row's decoded fields. */
  get contentHash(): Int32Array {
    return this.contentHasher.words;
  }

  hash(row: number): void {
    const start = this.idColumn.start[row] as number;
    const id = this.batch.space.slice(start, this.idColumn.end[row] as number);
    this.idHasher.reset();
    this.idHasher.update(id, 0, id.length);
    this.idHasher.finish();
    this.contentHasher.hash(row);
  }

  /** The id's text, for a message. */
  idText(row: number): string {
    return this.batch.space.text(this.idColumn.start[row] as number, this.idColumn.end[row] as number);
  }

  /** Drops state that no verdict of this batch or a later one can ask for; the numbers of the dropped segments. */
  evict(plan: BatchPlan): number[] {
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

function dictionarySeed(hashKey: Uint8Array): { low: number; high: number } {
  const words = new DataView(hashKey.buffer, hashKey.byteOffset);
  return { low: words.getInt32(0, true), high: words.getInt32(4, true) };
}
