/** What goes through a shared slot: a preparer's results into it, and out of it into the columns that state is made from. */
import type { Column, ColumnBatch, DictionaryColumn } from '../../columns/column-chunk.ts';
import type { Problem } from '../../columns/decode/problem.ts';
import { InvariantError } from '../../errors.ts';
import type { QueryPlan } from '../../plan/query-plan.ts';
import { CONTENT_WORDS, ID_WORDS } from '../../operators/dedupe/row-hasher.ts';
import type { RowPreparer } from './row-preparer.ts';
import { type SlotViews, vectorsOf } from './shared-chunk.ts';

/** Values that a dictionary got since the last message, one after the other. */
export interface NewValues {
  readonly bytes: Uint8Array;
  /** Where each ends in `bytes`. */
  readonly ends: Int32Array;
}

/** What of a chunk's results is no vector. A part that is empty is left out. */
export interface SlotMessage {
  readonly problems?: readonly (readonly [row: number, problem: Problem])[];
  /** By column, in order of the exchanged ones: decimals that no double holds. */
  readonly wide?: readonly (readonly [column: number, row: number, value: bigint])[];
  /** Texts that had escapes; positions at and behind the end of the chunk's bytes are in it. */
  readonly arena?: Uint8Array;
  /** The dictionaries were emptied before this chunk: their codes start again. */
  readonly restarted?: boolean;
  readonly values?: readonly (readonly [column: number, values: NewValues])[];
}

/** The columns that state is made from: those that keys, measures and the event time read, and those that are given on. */
export function exchangedColumns(query: QueryPlan, batch: ColumnBatch): number[] {
  const paths = [
    ...(query.watermark.column === null ? [] : [query.watermark.column]),
    ...query.aggregates.flatMap(({ keys, measures }) =>
      [...keys, ...measures].flatMap(({ column }) => (column === undefined ? [] : [column])),
    ),
    ...(query.rows ?? []).map(({ column }) => column),
  ];
  return [...new Set(paths.map((path) => batch.indexOf(path)))].toSorted((a, b) => a - b);
}

/** Writes one preparer's results into slots. */
export class SlotWriter {
  private readonly preparer: RowPreparer;
  private readonly columns: readonly Column[];
  /** How many values of each column's dictionary were sent. */
  private readonly sent: number[];
  private restarted = false;

  constructor(preparer: RowPreparer, indexes: readonly number[]) {
    this.preparer = preparer;
    this.columns = indexes.map((index) => preparer.batch.columns[index] as Column);
    this.sent = this.columns.map(() => 0);
  }

  /** Prepares a slot's rows; what the vectors do not hold, undefined if nothing is left. */
  prepare(slot: SlotViews, clockMs: number): SlotMessage | undefined {
    const { preparer } = this;
    if (preparer.boundDictionaries()) {
      this.sent.fill(0);
      this.restarted = true;
    }
    const { count } = slot;
    preparer.prepare(slot, clockMs);
    slot.states.set(preparer.states.subarray(0, count));
    slot.ids.set(preparer.ids.subarray(0, count * ID_WORDS));
    slot.contents.set(preparer.contents.subarray(0, count * CONTENT_WORDS));
    forEachVector(this.columns, slot, (own, shared) => shared.set(own.subarray(0, count)));
    return this.message();
  }

  private message(): SlotMessage | undefined {
    const { problems, batch } = this.preparer;
    const { arena, arenaUsed } = batch.space;
    const wide = this.columns.flatMap((column, at) =>
      column.kind === 'decimal' || column.kind === 'long'
        ? Array.from(column.wide, ([row, value]) => [at, row, value] as const)
        : [],
    );
    const values = this.columns.flatMap((column, at) => {
      const fresh = column.kind === 'dictionary' ? this.newValues(column, at) : undefined;
      return fresh === undefined ? [] : [[at, fresh] as const];
    });
    const message: SlotMessage = {
      ...(problems.size > 0 && { problems: [...problems] }),
      ...(wide.length > 0 && { wide }),
      ...(arenaUsed > 0 && { arena: arena.slice(0, arenaUsed) }),
      ...(this.restarted && { restarted: true }),
      ...(values.length > 0 && { values }),
    };
    this.restarted = false;
    return Object.keys(message).length === 0 ? undefined : message;
  }

  private newValues({ dictionary }: DictionaryColumn, at: number): NewValues | undefined {
    const from = this.sent[at] as number;
    if (dictionary.size === from) return undefined;
    this.sent[at] = dictionary.size;
    const start = dictionary.startOf(from);
    const ends = Int32Array.from(
      { length: dictionary.size - from },
      (_, index) => dictionary.endOf(from + index) - start,
    );
    return { bytes: dictionary.bytes.slice(start, dictionary.endOf(dictionary.size - 1)), ends };
  }
}

/** A dictionary of a writer: its values, and the codes that they have here, -1 where none was looked up yet. */
interface Mirror {
  readonly values: Uint8Array[];
  readonly codes: number[];
}

/** The dictionaries of a writer since they were emptied last, one per column. */
export interface Mirrors {
  readonly columns: readonly Mirror[];
  /** How often the reader had forgotten codes when these were looked up. */
  age: number;
}

/** Reads what one writer wrote. */
export class SlotReader {
  private readonly batch: ColumnBatch;
  private readonly columns: readonly Column[];
  private mirrors: Mirrors;
  /** How often the codes of the batch were given up. */
  private age = 0;

  /** Into the columns `indexes` of `batch`. */
  constructor(batch: ColumnBatch, indexes: readonly number[]) {
    this.batch = batch;
    this.columns = indexes.map((index) => batch.columns[index] as Column);
    this.mirrors = this.emptyMirrors();
  }

  /** Takes in a message's values, in the order in which the writer sent them; the dictionaries as of that slot. */
  learn(message: SlotMessage | undefined): Mirrors {
    if (message?.restarted === true) this.mirrors = this.emptyMirrors();
    for (const [at, { bytes, ends }] of message?.values ?? []) {
      const mirror = this.mirrors.columns[at] as Mirror;
      let start = 0;
      for (const end of ends) {
        mirror.values.push(bytes.subarray(start, end));
        mirror.codes.push(-1);
        start = end;
      }
    }
    return this.mirrors;
  }

  /** Makes the slot's rows the rows of the batch, as far as they are exchanged. */
  take(slot: SlotViews, message: SlotMessage | undefined, mirrors: Mirrors): void {
    this.batch.reset(slot.bytes, slot.count);
    forEachVector(this.columns, slot, (own, shared) => own.set(shared));
    if (message !== undefined) this.addWhatIsNoVector(message);
    if (mirrors.age !== this.age) for (const { codes } of mirrors.columns) codes.fill(-1);
    mirrors.age = this.age;
    for (const [at, column] of this.columns.entries()) {
      if (column.kind === 'dictionary') translate(column, mirrors.columns[at] as Mirror, slot.count);
    }
  }

  /** The codes of the batch's dictionaries were given up. */
  forgetCodes(): void {
    this.age += 1;
  }

  private addWhatIsNoVector({ arena, wide }: SlotMessage): void {
    const { space } = this.batch;
    if (arena !== undefined) {
      space.arena = arena;
      space.arenaUsed = arena.length;
    }
    for (const [at, row, value] of wide ?? []) {
      const column = this.columns[at];
      if (column?.kind === 'decimal' || column?.kind === 'long') column.wide.set(row, value);
    }
  }

  private emptyMirrors(): Mirrors {
    return { columns: this.columns.map(() => ({ values: [], codes: [] })), age: this.age };
  }
}

/** From the writer's codes to those of the batch's own dictionary. */
function translate({ codes, dictionary }: DictionaryColumn, mirror: Mirror, count: number): void {
  for (let row = 0; row < count; row += 1) {
    const theirs = codes[row] as number;
    if (theirs < 0) continue;
    let own = mirror.codes[theirs] ?? -1;
    if (own < 0) {
      const value = mirror.values[theirs];
      if (value === undefined)
        throw new InvariantError(`dictionary code ${theirs} arrived without its value`);
      own = dictionary.encode(value, 0, value.length);
      mirror.codes[theirs] = own;
    }
    codes[row] = own;
  }
}

/** Pairs a column's vectors with the slot's. */
function forEachVector(
  columns: readonly Column[],
  slot: SlotViews,
  act: (own: Vector, shared: Vector) => void,
): void {
  let [doubles, words, small] = [0, 0, 0];
  for (const column of columns) {
    for (const own of vectorsOf(column)) {
      if (own instanceof Float64Array) act(own, slot.doubles[doubles++] as Float64Array);
      else if (own instanceof Int32Array) act(own, slot.words[words++] as Int32Array);
      else act(own, slot.small[small++] as Int8Array);
    }
  }
}

type Vector = Float64Array | Int32Array | Int8Array;
