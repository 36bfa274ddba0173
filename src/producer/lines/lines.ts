import { RECORD_VALUE_BYTES_MAX } from '../../contracts/log.ts';
import { TallystreamError } from '../../errors.ts';
import type { Input } from './input.ts';

export interface Line {
  /** The bytes before the LF; a CR stays with them. A view of the block it was read with. */
  readonly bytes: Uint8Array;
  /** From 1. */
  readonly number: number;
  /** Bytes of the input up to and with this line and its LF. */
  readonly endByte: number;
}

export interface LinePosition {
  readonly lines: number;
  readonly bytes: number;
}

export const INPUT_START: LinePosition = Object.freeze({ lines: 0, bytes: 0 });

const LF = 0x0a;
/** An overlong line is read to its end so that the error can say its size, but not forever: a pipe may have no LF. */
const MEASURED_BYTES_MAX = 64 * RECORD_VALUE_BYTES_MAX;

/**
 * Cuts blocks of bytes into lines, as they are. A line ends with LF; the rest after the last LF is a line, too, if
 * it is not empty. Yields the lines of one block at a time and holds one block and one unfinished line.
 *
 * @param blocks must not be overwritten once given: the lines are views of them
 * @throws RECORD_TOO_LARGE for a line of more than RECORD_VALUE_BYTES_MAX bytes, after the lines before it
 */
export async function* splitLines(
  blocks: AsyncIterable<Uint8Array>,
  from: LinePosition = INPUT_START,
): AsyncGenerator<readonly Line[]> {
  let number = from.lines;
  let endByte = from.bytes;
  let started: Uint8Array[] = [];
  let startedBytes = 0;

  for await (const block of blocks) {
    const lines: Line[] = [];
    let start = 0;
    while (start < block.length) {
      const lf = block.indexOf(LF, start);
      const end = lf === -1 ? block.length : lf;
      startedBytes += end - start;
      if (startedBytes <= RECORD_VALUE_BYTES_MAX) started.push(block.subarray(start, end));
      else if (lf !== -1 || startedBytes > MEASURED_BYTES_MAX) {
        yield lines;
        throw tooLarge(number + 1, startedBytes, lf !== -1);
      }
      if (lf !== -1) {
        number += 1;
        endByte += startedBytes + 1;
        lines.push({ bytes: joined(started), number, endByte });
        started = [];
        startedBytes = 0;
      }
      start = end + 1;
    }
    yield lines;
  }

  if (startedBytes > RECORD_VALUE_BYTES_MAX) throw tooLarge(number + 1, startedBytes, true);
  if (startedBytes > 0) {
    yield [{ bytes: joined(started), number: number + 1, endByte: endByte + startedBytes }];
  }
}

/**
 * The bytes that the first lines of a file take.
 * @throws INPUT_UNREADABLE, RECORD_TOO_LARGE
 */
export async function bytesOfLines(input: Pick<Input, 'blocks'>, lines: number): Promise<number> {
  if (lines === 0) return 0;
  for await (const some of splitLines(input.blocks(0))) {
    for (const { number, endByte } of some) if (number === lines) return endByte;
  }
  throw new TallystreamError('INPUT_UNREADABLE', {
    what: `The input has fewer lines than the ${lines} that were delivered from it.`,
  });
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
}

function tooLarge(line: number, bytes: number, measured: boolean): TallystreamError {
  return new TallystreamError('RECORD_TOO_LARGE', {
    what: `Line ${line} of the input has ${measured ? '' : 'more than '}${bytes} bytes.`,
    why: `A record may have at most ${RECORD_VALUE_BYTES_MAX} bytes. Every line before this one was delivered.`,
    hint: 'Check that the input has one JSON object per line. If it does, remove or split this line.',
  });
}
