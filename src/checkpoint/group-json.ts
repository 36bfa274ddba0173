/**
 * Cells of a group as JSON text. JSON has no number for a double that is infinite or none (`JSON.stringify` makes null of
 * it), so such a double stands as `{"double":"-Infinity"}`; no other cell is an object.
 */
import type { GroupRow } from '../contracts/batch.ts';

/** What the columns of a group's table do not tell. */
export type StoredState = Omit<GroupRow, 'key'>;

export function stateText(state: StoredState): string {
  return JSON.stringify(state, (_name, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? { double: String(value) } : value,
  );
}

/** The state as it was given to {@link stateText}. @throws SyntaxError */
export function parseState(text: string): StoredState {
  return JSON.parse(text, (_name, value: unknown) =>
    typeof value === 'object' && value !== null && 'double' in value ? Number(value.double) : value,
  ) as StoredState;
}
