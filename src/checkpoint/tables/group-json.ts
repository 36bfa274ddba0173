/**
 * Cells of a group as JSON text. JSON has no number for an infinite double or NaN (`JSON.stringify` writes null), so such a
 * double is written as `{"double":"-Infinity"}`. No other cell is an object.
 */
import type { GroupRow } from '../../contracts/batch.ts';

/** The part of the state that the columns of a group's table do not contain. */
export type StoredState = Omit<GroupRow, 'key'>;

export function stateText(state: StoredState): string {
  return JSON.stringify(state, (_name, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? { double: String(value) } : value,
  );
}

/** The inverse of {@link stateText}. @throws SyntaxError */
export function parseState(text: string): StoredState {
  return JSON.parse(text, (_name, value: unknown) =>
    typeof value === 'object' && value !== null && 'double' in value ? Number(value.double) : value,
  ) as StoredState;
}
