/** The measures of an aggregate side by side in one array of slots a group. */
import type { ColumnBatch } from '../../columns/column-chunk.ts';
import type { GroupCell, GroupRow } from '../../contracts/batch.ts';
import type { Aggregate } from '../../plan/query-plan.ts';
import type { Accumulator, Slot } from './accumulator.ts';
import { accumulatorOf } from './accumulators.ts';
import { SLOT_BYTES } from './memory-estimate.ts';
import { groupRow, loadSlots } from './group-row.ts';
import { groupText, overflowIn } from './overflow.ts';

/** A measure, and where its slots begin. */
export interface PlacedMeasure {
  readonly measure: Accumulator;
  readonly at: number;
}

export class MeasureSlots {
  readonly measures: readonly Accumulator[];
  /** Where each measure begins. */
  readonly starts: readonly number[];
  /** Memory of a group's slots and values, estimated, except for texts. */
  readonly bytes: number;
  /** Memory of the values of a batch in hand, estimated, except for texts: they come once more. */
  readonly valueBytes: number;
  private readonly count: number;
  private readonly all: readonly PlacedMeasure[];
  private readonly texts: readonly PlacedMeasure[];

  constructor(aggregate: Aggregate, batch: ColumnBatch, hashKey: Uint8Array) {
    const order = { next: 0 };
    this.measures = aggregate.measures.map((measure) => accumulatorOf(measure, batch, { hashKey, order }));
    const ends = this.measures.reduce<number[]>(
      (starts, measure) => [...starts, (starts.at(-1) as number) + measure.slots],
      [0],
    );
    this.starts = ends.slice(0, -1);
    this.count = ends.at(-1) as number;
    this.valueBytes = this.measures.reduce((sum, { bytes }) => sum + bytes, 0);
    this.bytes = this.count * SLOT_BYTES + this.valueBytes;
    this.all = this.measures.map((measure, index) => ({ measure, at: this.starts[index] as number }));
    this.texts = this.all.filter(({ measure }) => measure.textBytes !== undefined);
  }

  /** The state of no rows. */
  fresh(): Slot[] {
    const slots = new Array<Slot>(this.count);
    this.clear(slots);
    return slots;
  }

  clear(slots: Slot[]): void {
    this.measures.forEach((measure, index) => measure.clear(slots, this.starts[index] as number));
  }

  /** Takes a row of the batch into the group of `key`. @throws SUM_OVERFLOW */
  add(slots: Slot[], row: number, key: readonly GroupCell[]): void {
    this.addSome(this.all, slots, row, key);
  }

  /** As `add`, of some measures alone. @throws SUM_OVERFLOW */
  addSome(some: readonly PlacedMeasure[], slots: Slot[], row: number, key: readonly GroupCell[]): void {
    try {
      for (const { measure, at } of some) measure.add(slots, at, row);
    } catch (error) {
      throw overflowIn(error, groupText(key));
    }
  }

  /** Takes the state of later rows in. @throws SUM_OVERFLOW */
  merge(slots: Slot[], later: readonly Slot[], key: readonly GroupCell[]): void {
    try {
      for (const { measure, at } of this.all) measure.merge(slots, at, later, at);
    } catch (error) {
      throw overflowIn(error, groupText(key));
    }
  }

  load(slots: Slot[], row: GroupRow): void {
    loadSlots(this.measures, slots, row);
  }

  row(key: readonly GroupCell[], slots: readonly Slot[]): GroupRow {
    return groupRow(this.measures, key, slots);
  }

  /** Memory of the texts among the values. */
  textBytes(slots: readonly Slot[]): number {
    let bytes = 0;
    for (const { measure, at } of this.texts) bytes += measure.textBytes?.(slots, at) ?? 0;
    return bytes;
  }
}
