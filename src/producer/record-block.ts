import type { RecordBlock, RecordInput } from '../contracts/log.ts';

const ROWS_AT_FIRST = 256;
const BYTES_AT_FIRST = 64 * 1024;
/** A block that held a rare, very large record is not kept for the next one. */
const KEPT_BYTES_MAX = 8 * 1024 * 1024;

/**
 * A block that is written row by row, sent, and written again: its memory lasts from batch to batch, so that a record
 * costs neither an object nor a fresh page. It grows to what one batch needs and stays so.
 */
export class WritableBlock implements RecordBlock {
  count = 0;
  bytes = Buffer.allocUnsafeSlow(BYTES_AT_FIRST);
  /** The same bytes, for a writer of more than one at a time. */
  view = viewOf(this.bytes);
  valueStart = new Int32Array(ROWS_AT_FIRST);
  valueEnd = new Int32Array(ROWS_AT_FIRST);
  keyStart = new Int32Array(ROWS_AT_FIRST);
  keyEnd = new Int32Array(ROWS_AT_FIRST);
  /** Where the next row's bytes go. */
  end = 0;
  /** Keys and values of all rows. */
  recordBytes = 0;

  /** Makes room for one more row of at most this many bytes after `end`. */
  reserve(bytes: number): void {
    if (this.end + bytes > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.end + bytes));
      grown.set(this.bytes.subarray(0, this.end));
      this.take(grown);
    }
    if (this.count === this.valueStart.length) {
      this.valueStart = doubled(this.valueStart);
      this.valueEnd = doubled(this.valueEnd);
      this.keyStart = doubled(this.keyStart);
      this.keyEnd = doubled(this.keyEnd);
    }
  }

  /** Ends a row: its value is at `end` and goes to `valueEnd`, its key is within it. */
  addRow(keyStart: number, keyEnd: number, valueEnd: number): void {
    const row = this.count;
    this.valueStart[row] = this.end;
    this.valueEnd[row] = valueEnd;
    this.keyStart[row] = keyStart;
    this.keyEnd[row] = keyEnd;
    this.recordBytes += valueEnd - this.end + keyEnd - keyStart;
    this.end = valueEnd;
    this.count = row + 1;
  }

  /** Takes all rows away. */
  clear(): void {
    this.count = 0;
    this.end = 0;
    this.recordBytes = 0;
    if (this.bytes.length > KEPT_BYTES_MAX) this.take(Buffer.allocUnsafeSlow(BYTES_AT_FIRST));
  }

  private take(bytes: Buffer<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** The rows as records, for a log that takes no block. They are views of the block. */
export function recordsOf(block: RecordBlock): RecordInput[] {
  return Array.from({ length: block.count }, (_, row) => ({
    key: view(block.bytes, block.keyStart[row] as number, block.keyEnd[row] as number),
    value: view(block.bytes, block.valueStart[row] as number, block.valueEnd[row] as number),
  }));
}

function view(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
  return start < 0 ? null : bytes.subarray(start, end);
}

function doubled(column: Int32Array): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(2 * column.length);
  grown.set(column);
  return grown;
}
