/**
 * The headers block of a record batch. Few records have headers, so it lists those that do: for each its row, the
 * number of its headers, and for every header the length of the name, the name (UTF-8), the length of the value and
 * the value. Rows, numbers and lengths are unsigned, of 32 bits, little-endian and not aligned.
 */
import type { Header, RecordInput } from '../../contracts/log.ts';

const TEXT_DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/** What a record adds to the block, in bytes: 0 if it has no headers. */
export function headersBytesOf(record: RecordInput): number {
  const { headers } = record;
  if (headers === undefined || headers.length === 0) return 0;
  let bytes = 8;
  for (const header of headers) bytes += 8 + Buffer.byteLength(header.name) + header.value.length;
  return bytes;
}

/** Writes the block of the records `[from, to)` into `target`, which has exactly its size. */
export function encodeHeaders(
  records: readonly RecordInput[],
  from: number,
  to: number,
  target: Uint8Array,
): void {
  const block = Buffer.from(target.buffer, target.byteOffset, target.byteLength);
  let at = 0;
  for (let row = 0; row < to - from; row += 1) {
    const { headers } = records[from + row] as RecordInput;
    if (headers === undefined || headers.length === 0) continue;
    at = block.writeUInt32LE(row, at);
    at = block.writeUInt32LE(headers.length, at);
    for (const header of headers) {
      const nameBytes = block.write(header.name, at + 4, 'utf8');
      block.writeUInt32LE(nameBytes, at);
      at = block.writeUInt32LE(header.value.length, at + 4 + nameBytes);
      block.set(header.value, at);
      at += header.value.length;
    }
  }
}

/** The headers by row. The values are views of the block. */
export function decodeHeaders(bytes: Uint8Array): ReadonlyMap<number, readonly Header[]> {
  const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const byRow = new Map<number, readonly Header[]>();
  let at = 0;
  while (at < block.length) {
    const row = block.readUInt32LE(at);
    const count = block.readUInt32LE(at + 4);
    at += 8;
    const headers: Header[] = [];
    for (let index = 0; index < count; index += 1) {
      const nameEnd = at + 4 + block.readUInt32LE(at);
      const valueEnd = nameEnd + 4 + block.readUInt32LE(nameEnd);
      const name = TEXT_DECODER.decode(bytes.subarray(at + 4, nameEnd));
      headers.push({ name, value: bytes.subarray(nameEnd + 4, valueEnd) });
      at = valueEnd;
    }
    byRow.set(row, headers);
  }
  return byRow;
}
