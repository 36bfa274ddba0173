/** The bytes that the text of a batch is in. */

const TEXT_DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The bytes that string positions of a batch point into: the chunk's own bytes, and after them (in one address space)
 * an arena for strings that had escapes and so stand nowhere as they are.
 */
export class ByteSpace {
  chunk: Uint8Array = new Uint8Array(0);
  arena: Uint8Array = new Uint8Array(1024);
  arenaUsed = 0;

  reset(chunk: Uint8Array): void {
    this.chunk = chunk;
    this.arenaUsed = 0;
  }

  /** Appends `bytes[start, end)` to the arena and returns its position in the common address space. */
  store(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (this.arenaUsed + length > this.arena.length) {
      const grown = new Uint8Array(Math.max(this.arena.length * 2, this.arenaUsed + length));
      grown.set(this.arena.subarray(0, this.arenaUsed));
      this.arena = grown;
    }
    this.arena.set(bytes.subarray(start, end), this.arenaUsed);
    const position = this.chunk.length + this.arenaUsed;
    this.arenaUsed += length;
    return position;
  }

  /** The bytes of `[start, end)`, a view and no copy. A range never spans chunk and arena. */
  slice(start: number, end: number): Uint8Array {
    if (start < this.chunk.length || start === end) return this.chunk.subarray(start, end);
    return this.arena.subarray(start - this.chunk.length, end - this.chunk.length);
  }

  text(start: number, end: number): string {
    return TEXT_DECODER.decode(this.slice(start, end));
  }
}
