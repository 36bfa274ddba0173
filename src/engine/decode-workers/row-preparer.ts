/**
 * The half of a batch's work that needs no memory of other events: decode, validate, run the plan's steps, hash.
 * What it says of a row depends on the row, the plan and the plan's clock alone, so it does not matter where or in what
 * order chunks are prepared.
 */
import { InvariantError } from '../../errors.ts';
import { ColumnBatch } from '../../columns/column-chunk.ts';
import { createDecoder, type Decoder } from '../../columns/decode/decoder.ts';
import type { Problem } from '../../columns/decode/problem.ts';
import { leavesOf, optional, schema, type Schema } from '../../columns/schema/schema.ts';
import { TimeZone } from '../../columns/values/timezone.ts';
import type { RecordChunk } from '../../contracts/log.ts';
import { ExpressionFault } from '../../operators/expression/evaluator.ts';
import { futureBoundMs, lowestRecordMs } from '../../operators/record-time.ts';
import { RowHasher } from '../../operators/dedupe/row-hasher.ts';
import { scanRules, type RuleScan } from '../../operators/rules/scan.ts';
import { compileRules, type RowCheck } from '../../operators/rules/check.ts';
import { compileSteps, HELD, type RowSteps } from '../../operators/expression/steps.ts';
import type { QueryPlan } from '../../plan/query-plan.ts';

/** Columns start with room for this many rows, and grow to the largest chunk. */
const INITIAL_ROWS = 1024;
/** Texts that dictionaries may hold before they are emptied, in bytes: hostile values end somewhere. */
const DICTIONARY_BYTES_MAX = 32 * 1024 * 1024;

const NO_WORDS = new Int32Array(0);

/** What a row is by itself. */
export const ROW = {
  /** Valid, and no filter holds it back. */
  passed: 0,
  /** Valid; a filter holds it back. Bits of {@link HELD} say which operations saw it before. */
  heldBack: HELD.back,
  /** It has a problem. */
  invalid: 2,
  /** A step failed on it, through no fault of the row. */
  failed: 16,
} as const;

/** What of a chunk preparing it needs. */
export type RawRows = Pick<RecordChunk, 'bytes' | 'count' | 'valueStart' | 'valueEnd' | 'timestampsMs'>;

export class RowPreparer {
  /** The columns of the chunk prepared last, computed ones too. */
  readonly batch: ColumnBatch;
  /** One of {@link ROW} a row. Like the hashes, other vectors after a larger chunk. */
  states: Uint8Array = new Uint8Array(INITIAL_ROWS);
  /** By row, of those that are invalid. */
  readonly problems = new Map<number, Problem>();
  private readonly query: QueryPlan;
  private readonly decoder: Decoder;
  private readonly steps: RowSteps;
  private readonly hasher: RowHasher | undefined;
  private checkRules: RowCheck;
  private readonly scanRules: RuleScan;
  /** 1 for rows that may break a rule, while rules are checked; 0 otherwise. */
  private suspects = new Uint8Array(INITIAL_ROWS);

  constructor(query: QueryPlan, hashKey: Uint8Array) {
    this.query = query;
    this.batch = new ColumnBatch(withComputed(query), INITIAL_ROWS, dictionarySeed(hashKey));
    this.decoder = createDecoder(query.schema, {
      valueBytesMax: query.valueBytesMax,
      ...(query.assumeTimeZone === null ? {} : { assumeTimeZone: TimeZone.of(query.assumeTimeZone) }),
    });
    this.checkRules = compileRules(query.rules, this.batch);
    this.scanRules = scanRules(query.rules, this.batch);
    this.steps = compileSteps(query.steps, this.batch, TimeZone.of(query.timeZone));
    this.hasher =
      query.dedupe === null
        ? undefined
        : new RowHasher(this.batch, {
            idColumns: query.dedupe.columns,
            hashKey,
            leafCount: leavesOf(query.schema).length,
          });
  }

  /** {@link ID_WORDS} a row that passed; empty if the plan compares no ids. Other vectors after a larger chunk. */
  get ids(): Int32Array {
    return this.hasher?.ids ?? NO_WORDS;
  }

  /** {@link CONTENT_WORDS} a row, like the ids. */
  get contents(): Int32Array {
    return this.hasher?.contents ?? NO_WORDS;
  }

  private readonly onProblem = (row: number, problem: Problem): void => {
    this.states[row] = ROW.invalid;
    this.problems.set(row, problem);
  };

  /** Prepares every row; `clockMs` is the plan's. */
  prepare(rows: RawRows, clockMs: number): void {
    const { count } = rows;
    this.batch.reset(rows.bytes, count);
    this.problems.clear();
    if (count > this.states.length) {
      this.states = new Uint8Array(count);
      this.suspects = new Uint8Array(count);
    }
    this.decode(rows);
    this.check(rows, clockMs);
    this.carryOutSteps(count);
    this.hasher?.hashRows(0, count);
  }

  /** Fails as the steps did on a row of the chunk prepared last. */
  failAgain(row: number): never {
    this.steps(row);
    throw new InvariantError(`row ${row} failed, but not when it was tried again`);
  }

  /** The id's text, for a message. */
  idText(row: number): string {
    return this.hasher?.idText(row) ?? '';
  }

  /** Empties the dictionaries where they have become too large; true if their codes mean nothing any more. */
  boundDictionaries(): boolean {
    if (this.batch.dictionaryBytes <= DICTIONARY_BYTES_MAX) return false;
    this.batch.clearDictionaries();
    this.checkRules = compileRules(this.query.rules, this.batch);
    return true;
  }

  private decode({ count, valueStart, valueEnd }: RawRows): void {
    this.states.fill(ROW.passed, 0, count);
    this.decoder.decodeRows(this.batch, valueStart, valueEnd, 0, count, this.onProblem);
  }

  /** A row that is invalid already has null everywhere, which breaks no rule. */
  private check({ count, timestampsMs }: RawRows, clockMs: number): void {
    const { suspects, states } = this;
    this.scanRules(0, count, { timestampsMs, clockMs }, suspects);
    const lowestMs = lowestRecordMs(clockMs);
    for (let row = 0; row < count; row += 1) {
      if (suspects[row] === 0) continue;
      suspects[row] = 0;
      const boundMs = futureBoundMs(timestampsMs[row] as number, clockMs, lowestMs);
      const problem = this.checkRules(row, boundMs, clockMs);
      if (problem === undefined) continue;
      this.problems.set(row, problem);
      states[row] = ROW.invalid;
    }
  }

  private carryOutSteps(count: number): void {
    const { states, steps } = this;
    if (this.query.steps.length === 0) return;
    for (let row = 0; row < count; row += 1) {
      if (states[row] !== ROW.passed) continue;
      try {
        states[row] = steps(row);
      } catch (error) {
        if (error instanceof ExpressionFault) this.onProblem(row, error.problem);
        // It fails the batch when its turn comes, and not before: what is in front of it may do so first.
        else states[row] = ROW.failed;
      }
    }
  }
}

/** The fields of the events, and behind them those that the steps compute. */
function withComputed(query: QueryPlan): Schema {
  const computed = query.steps.flatMap((step) =>
    step.kind === 'withColumn' ? [optional(step.name, step.type, 'computed')] : [],
  );
  return schema([...query.schema.fields, ...computed]);
}

function dictionarySeed(hashKey: Uint8Array): { low: number; high: number } {
  const words = new DataView(hashKey.buffer, hashKey.byteOffset);
  return { low: words.getInt32(0, true), high: words.getInt32(4, true) };
}
