import type { Clock } from '../../contracts/clock.ts';
import type { Header, RecordInput } from '../../contracts/log.ts';
import { ABORTED, orAborted } from '../abort.ts';
import type { Input } from './input.ts';
import { type LineFields, readLineFacts } from './line-facts.ts';
import { INPUT_START, type Line, type LinePosition, splitLines } from './lines.ts';
import type { RecordSource } from '../source.ts';
import { createTimeOrder, type TimeOrderReport } from './time-order.ts';

/** A line on its way into the log: its bytes are the value. */
export interface LineRecord extends RecordInput {
  readonly value: Uint8Array;
  /** From 1. */
  readonly line: number;
  /** Bytes of the input up to and with this line and its LF. */
  readonly endByte: number;
}

export interface NdjsonSource extends RecordSource<LineRecord> {
  /** Where the next line starts that was neither given nor passed over. */
  readonly position: LinePosition;
  /** Undefined while every line came in order of time. */
  timeOrder(): TimeOrderReport | undefined;
}

/** How a resumed delivery looks at every line: see resume.ts. */
export interface LineMarks {
  /** Whether the line is in the log already. */
  isDelivered(line: number): boolean;
  headers(line: number): readonly Header[];
}

export interface NdjsonOptions {
  readonly input: Input;
  readonly clock: Clock;
  /** Names of the fields that hold the key and the time of an event. */
  readonly fields: LineFields;
  /** Goes on from here. An input that cannot seek is read from its start, and its first lines are passed over. */
  readonly from?: LinePosition;
  readonly marks?: LineMarks;
  /** Called once, at the first line that is out of order of time. */
  onOutOfOrder?(report: TimeOrderReport): void;
}

/** Parsing stays in small steps, so that a signal is heard between them. */
const LINES_PER_PULL_MAX = 1_000;

/**
 * One record a line, byte for byte: a CR stays, an empty line is an empty value, a last line without LF counts. The pull
 * throws INPUT_UNREADABLE if reading fails and RECORD_TOO_LARGE for a line that no record holds.
 */
export function createNdjsonSource(options: NdjsonOptions): NdjsonSource {
  const { input, fields, from = INPUT_START, marks } = options;
  const blocks = input.seekable
    ? splitLines(input.blocks(from.bytes), from)
    : splitLines(input.blocks(0), INPUT_START);
  const order = createTimeOrder(options.clock, (report) => options.onOutOfOrder?.(report));
  let lines: readonly Line[] = [];
  let next = 0;
  let position = from;

  /** Whether there is a line at `next`, reading on until there is. */
  const hasLine = async (stop: AbortSignal): Promise<boolean> => {
    while (next === lines.length) {
      if (stop.aborted) return false;
      const block = await orAborted(blocks.next(), stop);
      if (block === ABORTED || block.done === true) return false;
      lines = block.value;
      next = 0;
    }
    return true;
  };

  const toRecord = (line: Line): LineRecord => {
    const { key, timestampMs } = readLineFacts(line.bytes, fields);
    if (timestampMs !== undefined) order.note(line.number, timestampMs);
    const record = { key, value: line.bytes, line: line.number, endByte: line.endByte };
    return marks === undefined ? record : { ...record, headers: marks.headers(line.number) };
  };

  return {
    get position() {
      return position;
    },
    timeOrder: () => order.report(),
    async pull(recordsMax, bytesMax, stop) {
      const records: LineRecord[] = [];
      const countMax = Math.min(recordsMax, LINES_PER_PULL_MAX);
      let bytes = 0;
      // After the first record only the lines of the same block are taken, so that none waits for input yet to come.
      while (records.length < countMax && bytes < bytesMax) {
        if (next === lines.length && (records.length > 0 || !(await hasLine(stop)))) break;
        const line = lines[next] as Line;
        next += 1;
        if (line.number <= from.lines) continue;
        position = { lines: line.number, bytes: line.endByte };
        if (marks?.isDelivered(line.number) === true) continue;
        records.push(toRecord(line));
        bytes += line.bytes.length;
      }
      return records;
    },
    close: () => input.close(),
  };
}
