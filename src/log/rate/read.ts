/** The rate source's rows as JSON, written into one block of bytes that every chunk of a reading uses again. */
import { civilFromDays } from '../../columns/values/calendar.ts';
import type { Header, RecordChunk } from '../../contracts/log.ts';
import { rowsAfter, secondOf, timeInSecond, type RateShape } from './rows.ts';
import { BATCH_RECORDS_MAX } from '../shared/record-batch.ts';

const TEXT_ENCODER = new TextEncoder();
const TEMPLATE = TEXT_ENCODER.encode('{"timestamp":"0000-00-00T00:00:00.000Z","value":');
const YEAR_AT = 14;
const CLOSING_BRACE = 0x7d;
const DIGIT_0 = 0x30;
/** A value is below 2^53. */
const DIGITS_MAX = 16;
const ROW_BYTES_MAX = TEMPLATE.length + DIGITS_MAX + 1;
const DAY_MS = 86_400_000;
const NO_HEADERS: ReadonlyMap<number, readonly Header[]> = new Map();

/**
 * The rows at the offsets `[start, end)` of a partition, at most 8,192 a chunk (under 1 MiB). A row costs no object: its
 * time and value are written digit by digit, and the columns are views of arrays that are made once.
 */
export function* rateChunks(
  shape: RateShape,
  partition: number,
  start: number,
  end: number,
): Generator<RecordChunk> {
  if (start >= end) return;
  const countMax = Math.min(BATCH_RECORDS_MAX, end - start);
  const bytes = new Uint8Array(countMax * ROW_BYTES_MAX);
  const valueStart = new Int32Array(countMax);
  const valueEnd = new Int32Array(countMax);
  const noKey = new Int32Array(countMax).fill(-1);
  const offsets = new Float64Array(countMax);
  const timestampsMs = new Float64Array(countMax);
  const writeTime = timeWriter(bytes);
  let second = secondOf(shape, start * shape.partitions + partition);
  let secondRows = rowsAfter(shape, second);
  let nextRows = rowsAfter(shape, second + 1);
  for (let base = start; base < end; base += countMax) {
    const count = Math.min(countMax, end - base);
    let at = 0;
    for (let row = 0; row < count; row += 1) {
      const value = (base + row) * shape.partitions + partition;
      // Skips seconds without a row of this partition, if rows are few.
      while (value >= nextRows) {
        second += 1;
        secondRows = nextRows;
        nextRows = rowsAfter(shape, second + 1);
      }
      const timeMs = timeInSecond(shape.startMs + second * 1000, value - secondRows, nextRows - secondRows);
      valueStart[row] = at;
      bytes.set(TEMPLATE, at);
      writeTime(at + YEAR_AT, timeMs);
      at = writeWhole(bytes, at + TEMPLATE.length, value);
      bytes[at] = CLOSING_BRACE;
      at += 1;
      valueEnd[row] = at;
      offsets[row] = base + row;
      timestampsMs[row] = timeMs;
    }
    yield {
      partition,
      count,
      bytes: bytes.subarray(0, at),
      valueStart: valueStart.subarray(0, count),
      valueEnd: valueEnd.subarray(0, count),
      keyStart: noKey.subarray(0, count),
      keyEnd: noKey.subarray(0, count),
      offsets: offsets.subarray(0, count),
      timestampsMs: timestampsMs.subarray(0, count),
      headers: NO_HEADERS,
    };
  }
}

/** Writes an instant over the template's `0000-00-00T00:00:00.000`; the calendar is asked once a day of the rows' time. */
function timeWriter(bytes: Uint8Array): (at: number, timeMs: number) => void {
  let dayOfDate = Number.NaN;
  let year = 0;
  let month = 0;
  let date = 0;
  return (at, timeMs) => {
    const day = Math.floor(timeMs / DAY_MS);
    if (day !== dayOfDate) {
      dayOfDate = day;
      ({ year, month, day: date } = civilFromDays(day));
    }
    const ofDay = timeMs - day * DAY_MS;
    writeDigits(bytes, at, year, 4);
    writeDigits(bytes, at + 5, month, 2);
    writeDigits(bytes, at + 8, date, 2);
    writeDigits(bytes, at + 11, (ofDay / 3_600_000) | 0, 2);
    writeDigits(bytes, at + 14, ((ofDay / 60_000) | 0) % 60, 2);
    writeDigits(bytes, at + 17, ((ofDay / 1000) | 0) % 60, 2);
    writeDigits(bytes, at + 20, ofDay % 1000, 3);
  };
}

/** Exactly `digits` digits. */
function writeDigits(bytes: Uint8Array, at: number, value: number, digits: number): void {
  let left = value;
  for (let place = at + digits - 1; place >= at; place -= 1) {
    bytes[place] = DIGIT_0 + (left % 10);
    left = (left / 10) | 0;
  }
}

/** As many digits as the number has, up to 2^53; gives the position after the last. */
function writeWhole(bytes: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits += 1;
  let left = value;
  for (let place = at + digits - 1; place >= at; place -= 1) {
    const rest = Math.floor(left / 10);
    bytes[place] = DIGIT_0 + (left - rest * 10);
    left = rest;
  }
  return at + digits;
}
