/** The state of one measure of one group, and what an aggregate does with it. */
import type { Scaled } from '../../columns/column-chunk.ts';
import type { GroupCell } from '../../contracts/batch.ts';

/** What a slot holds: numbers, exact whole numbers, texts, registers; null and undefined are each measure's own. */
export type Slot = Scaled | string | boolean | Uint8Array | null | undefined;

export interface Accumulator {
  /** How many slots its state takes. */
  readonly slots: number;
  /** Memory of its state outside the slots, estimated; 0 if it is a text, which {@link textBytes} tells. */
  readonly bytes: number;
  textBytes?(slots: readonly Slot[], at: number): number;
  /** Puts the state of no rows at `at`. */
  clear(target: Slot[], at: number): void;
  /** Takes a row of the batch in. @throws SUM_OVERFLOW */
  add(target: Slot[], at: number, row: number): void;
  /** Takes the state of later rows in. @throws SUM_OVERFLOW */
  merge(target: Slot[], at: number, later: readonly Slot[], laterAt: number): void;
  /** What people see. */
  result(slots: readonly Slot[], at: number): GroupCell;
  /** The state as cells where the result does not tell it; undefined if it does. */
  save?(slots: readonly Slot[], at: number): readonly GroupCell[];
  /** Takes back what was saved, or the result. */
  load(target: Slot[], at: number, cells: readonly GroupCell[]): void;
}
