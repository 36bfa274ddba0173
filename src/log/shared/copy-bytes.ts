/** Up to this many bytes a loop copies faster than a call that leaves JavaScript; keys are shorter, events longer. */
const LOOP_BYTES_MAX = 32;

/** Copies `from[start, end)` to `at`, without making a view of it, and gives the position after it. */
export function copyBytes(to: Buffer, at: number, from: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length > LOOP_BYTES_MAX) from.copy(to, at, start, end);
  else for (let index = 0; index < length; index += 1) to[at + index] = from[start + index] as number;
  return at + length;
}

/** The same bytes, with the methods of a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
