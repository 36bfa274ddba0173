/** The keys of a group: every row gets a small whole number for each of its key's values, and that number's cell. */
import { InvariantError } from '../../errors.ts';
import type { Column, ColumnBatch } from '../../columns/column-chunk.ts';
import { formatDay, formatTimestamp } from '../../columns/values/timestamp.ts';
import type { TimeZone } from '../../columns/values/timezone.ts';
import type { GroupCell } from '../../contracts/batch.ts';
import type { GroupKey } from '../../plan/query-plan.ts';
import { valueReader, type Value, type ValueReader } from './value-reader.ts';
import { windowsOf, type Span } from './windows.ts';

/** Codes are below this, so that a group's number and a code fit one exact double. */
export const CODE_BOUND = 2 ** 27;
/** Codes of days are moved up by this much so that they are never negative: some 183,000 years each way. */
const DAY_CODE_BASE = 2 ** 26;
const NULL_CODE = 0;

/** Gives each row a small whole number that stands for its value, and that number's cell. */
export interface KeyReader {
  codeAt(row: number): number;
  /** Writes the codes of the rows `rows[0, count)` to `codes`. */
  codesOf(rows: Int32Array, count: number, codes: Int32Array): void;
  cell(code: number): GroupCell;
  /** Called when codes may be given out again. */
  forget(): void;
}

export function keyReader(
  key: Exclude<GroupKey, { kind: 'window' | 'sessionWindow' }>,
  batch: ColumnBatch,
  zone: TimeZone,
): KeyReader {
  const column = batch.columns[batch.indexOf(key.column)] as Column;
  if (key.kind === 'date') return dateReader(column, key.column, zone);
  if (column.kind === 'dictionary') {
    return {
      codeAt: (row) => (column.codes[row] as number) + 1,
      codesOf(rows, count, codes) {
        const own = column.codes;
        for (let at = 0; at < count; at += 1) codes[at] = (own[rows[at] as number] as number) + 1;
      },
      cell: (code) => (code === NULL_CODE ? null : column.dictionary.text(code - 1)),
      forget: () => undefined,
    };
  }
  return internedReader(valueReader(column, batch.space));
}

function dateReader(column: Column, path: string, zone: TimeZone): KeyReader {
  if (column.kind !== 'timestamp') throw new InvariantError(`a date key needs an instant in ${path}`);
  const codeOf = (micros: number) => (Number.isNaN(micros) ? NULL_CODE : zone.dayOf(micros) + DAY_CODE_BASE);
  return {
    codeAt: (row) => codeOf(column.values[row] as number),
    codesOf(rows, count, codes) {
      const { values } = column;
      for (let at = 0; at < count; at += 1) codes[at] = codeOf(values[rows[at] as number] as number);
    },
    cell: (code) => (code === NULL_CODE ? null : formatDay(code - DAY_CODE_BASE)),
    forget: () => undefined,
  };
}

/** For columns without their own codes: distinct values are numbered as they come. */
function internedReader(reader: ValueReader): KeyReader {
  const known = new Map<Value, number>();
  let values: Value[] = [];
  const codeAt = (row: number): number => {
    const value = reader.at(row);
    if (value === undefined) return NULL_CODE;
    const code = known.get(value);
    if (code !== undefined) return code;
    values.push(value);
    known.set(value, values.length);
    return values.length;
  };
  return {
    codeAt,
    codesOf(rows, count, codes) {
      for (let at = 0; at < count; at += 1) codes[at] = codeAt(rows[at] as number);
    },
    cell: (code) => (code === NULL_CODE ? null : reader.cell(values[code - 1])),
    forget() {
      known.clear();
      values = [];
    },
  };
}

/** The windows that a row belongs to. */
export interface WindowReader {
  /** Empty where the row has no time. */
  spansAt(row: number): readonly Span[];
}

export function windowReader(
  key: Extract<GroupKey, { kind: 'window' }>,
  batch: ColumnBatch,
  zone: TimeZone,
): WindowReader {
  const column = timeColumn(batch, key.column);
  const spansOf = windowsOf(key, zone);
  // Rows that follow one another are mostly of one window; the spans of the last instant's window are kept.
  let lastMicros = NaN;
  let lastSpans: readonly Span[] = [];
  return {
    spansAt(row) {
      const micros = column.values[row] as number;
      if (Number.isNaN(micros)) return [];
      if (micros !== lastMicros) {
        lastMicros = micros;
        lastSpans = spansOf(micros);
      }
      return lastSpans;
    },
  };
}

export function timeColumn(batch: ColumnBatch, path: string): { values: Float64Array } {
  const column = batch.columns[batch.indexOf(path)];
  if (column?.kind !== 'timestamp') throw new InvariantError(`a window needs an instant in ${path}`);
  return column;
}

/** A window as two cells of a key. */
export function spanCells({ start, end }: Span): readonly [string, string] {
  return [formatTimestamp(start), formatTimestamp(end)];
}
