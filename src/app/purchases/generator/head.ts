/** The start of an event's text, up to the number of its customer: its id and its time. */
import { IdSequence } from './id.ts';
import { type TextWriter, viewOf, writeHex32, writeThreeDigits } from './text.ts';

const BEFORE_ID = '{"event_id":"purchase_';
const RANDOM_PART = '0000000000000000';
const BEFORE_TIMESTAMP = '","timestamp":"';
const AFTER_TIMESTAMP = '","customer_id":"customer_';
/** The text is copied in whole words. */
const PADDING = '       ';

/** How the key begins, with which the head ends. */
export const KEY_START_BYTES = 'customer_'.length;

/**
 * Writes `{"event_id":"purchase_1750947093250_…","timestamp":"2025-06-26T14:11:33.250Z","customer_id":"customer_`. All of
 * it is one piece that is kept from event to event: a new second rebuilds it, a new millisecond changes six digits, and
 * every event has its own random part.
 */
export function createHeadWriter(seed: number | string): (writer: TextWriter, timestampMs: number) => void {
  const ids = new IdSequence(seed);
  let keptMs = Number.NaN;
  let second = Number.NaN;
  let piece = viewOf(Buffer.alloc(0));
  let pieceBytes = 0;
  let randomAt = 0;
  let timeEnd = 0;

  const make = (timestampMs: number): void => {
    const id = `${BEFORE_ID}${timestampMs}_`;
    const upToTime = `${id}${RANDOM_PART}${BEFORE_TIMESTAMP}${new Date(timestampMs).toISOString()}`;
    const text = `${upToTime}${AFTER_TIMESTAMP}`;
    piece = viewOf(Buffer.from(`${text}${PADDING}`, 'latin1'));
    pieceBytes = text.length;
    randomAt = id.length;
    timeEnd = upToTime.length;
  };

  const turnTo = (timestampMs: number): void => {
    const thisSecond = Math.floor(timestampMs / 1_000);
    // Second and millisecond stand side by side only where the second is a number without sign or leading zero.
    if (thisSecond !== second || second < 1) make(timestampMs);
    else {
      const milliseconds = timestampMs - second * 1_000;
      writeThreeDigits(piece, randomAt - '000_'.length, milliseconds);
      writeThreeDigits(piece, timeEnd - '000Z'.length, milliseconds);
    }
    second = thisSecond;
    keptMs = timestampMs;
  };

  return (writer, timestampMs) => {
    if (timestampMs !== keptMs) turnTo(timestampMs);
    const { target, at } = writer;
    writer.copy(piece, 0, pieceBytes);
    ids.next();
    writeHex32(target, at + randomAt, ids.left);
    writeHex32(target, at + randomAt + 8, ids.right);
  };
}
