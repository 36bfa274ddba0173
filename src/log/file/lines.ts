/**
 * Cutting a file into lines, for counting them and for reading them: one cutter, so that both always agree.
 *
 * A line ends with LF, or with the file. Its bytes are carried as they are, a CR before the LF with them (JSON takes it for
 * white space). Lines of nothing but spaces, tabs and CRs are no records, as in Spark and as NDJSON's readers may do: they
 * hold no event, so nothing is lost with them.
 */
import { RECORD_VALUE_BYTES_MAX } from '../../contracts/log.ts';
import type { FileBytes } from './bytes.ts';
import { BATCH_BYTES_MAX, BATCH_RECORDS_MAX } from '../shared/record-batch.ts';

/** Some lines of a file. It holds until the next one is asked for: its memory is used again then. */
export interface LineBlock {
  readonly bytes: Uint8Array;
  /** Where byte 0 of `bytes` is in the (unpacked) file. */
  readonly position: number;
  readonly count: number;
  /** Line i is `bytes[starts[i], ends[i])`, without its LF. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** A line that no record can hold: `line` counts from 1, blank lines with the others. */
export class LineTooLongError extends Error {
  readonly line: number;

  constructor(line: number) {
    super(`line ${line} has more than ${RECORD_VALUE_BYTES_MAX} bytes`);
    this.name = 'LineTooLongError';
    this.line = line;
  }
}

const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const SPACE = 0x20;

/**
 * The lines from byte `from` on, which has to be the start of a line; at most 8,192 lines and, but for longer lines, 1 MiB
 * a block. `bytesLeft` is how much is still to come, if known: a small file then takes little memory.
 * @throws LineTooLongError, what `source.read` rejects with
 */
export async function* cutLines(
  source: FileBytes,
  from: number,
  bytesLeft: number,
): AsyncGenerator<LineBlock> {
  // One byte more than is to come, so that the end is found without room being made for what does not come.
  let buffer = new Uint8Array(Math.min(BATCH_BYTES_MAX, Math.max(bytesLeft, 0) + 1));
  const countMax = Math.min(BATCH_RECORDS_MAX, (buffer.length >> 1) + 1);
  const starts = new Int32Array(countMax);
  const ends = new Int32Array(countMax);
  let position = from;
  let filled = 0;
  let searched = 0;
  let line = 1;
  for (;;) {
    // Filled to the brim, so that the end of a small file is known, and its last line cut, with all the others.
    while (filled < buffer.length) {
      const got = await source.read(buffer, filled);
      if (got === 0) break;
      filled += got;
    }
    const isEnd = filled < buffer.length;
    let lineStart = 0;
    let count = 0;
    for (;;) {
      let lineEnd = indexOfLf(buffer, Math.max(searched, lineStart), filled);
      if (lineEnd === -1) {
        if (!isEnd || lineStart === filled) break;
        lineEnd = filled;
      }
      if (lineEnd - lineStart > RECORD_VALUE_BYTES_MAX) throw new LineTooLongError(line);
      if (!isBlank(buffer, lineStart, lineEnd)) {
        starts[count] = lineStart;
        ends[count] = lineEnd;
        count += 1;
      }
      lineStart = Math.min(lineEnd + 1, filled);
      line += 1;
      if (count === countMax) {
        yield { bytes: buffer, position, count, starts, ends };
        count = 0;
      }
    }
    if (count > 0) {
      yield {
        bytes: buffer,
        position,
        count,
        starts: starts.subarray(0, count),
        ends: ends.subarray(0, count),
      };
    }
    if (isEnd) return;
    position += lineStart;
    buffer.copyWithin(0, lineStart, filled);
    filled -= lineStart;
    searched = filled;
    if (filled > RECORD_VALUE_BYTES_MAX) throw new LineTooLongError(line);
    if (filled === buffer.length) buffer = resized(buffer, filled, 2 * buffer.length);
    // A long line is behind: the lines after it come in blocks of the usual size again.
    else if (buffer.length > BATCH_BYTES_MAX && 2 * filled < BATCH_BYTES_MAX)
      buffer = resized(buffer, filled, BATCH_BYTES_MAX);
  }
}

/** Like `indexOf`, up to an end: what comes after it is of an earlier block. */
function indexOfLf(bytes: Uint8Array, from: number, end: number): number {
  const at = bytes.indexOf(LF, from);
  return at < end ? at : -1;
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte !== SPACE && byte !== CR && byte !== TAB) return false;
  }
  return true;
}

function resized(buffer: Uint8Array, filled: number, size: number): Uint8Array<ArrayBuffer> {
  const other = new Uint8Array(Math.min(size, RECORD_VALUE_BYTES_MAX + 2));
  other.set(buffer.subarray(0, filled));
  return other;
}
