/** The bytes of one file of the file source, in order: as they are, or unpacked if the name ends in `.gz`. */
import { closeSync, createReadStream, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface FileBytes {
  /** Of the open file itself, so that a file that takes its name meanwhile is not mistaken for it. */
  readonly stats: Stats;
  /** Fills what there is room for from `at` on, or less; 0 at the end. Rejects with what the system or zlib says. */
  read(into: Uint8Array, at: number): Promise<number>;
  close(): void;
}

const GUNZIP_BLOCK_BYTES = 256 * 1024;
/** After this many bytes other work of the process gets its turn. */
const TURN_BYTES = 8 * 1024 * 1024;

function isGzip(name: string): boolean {
  return name.toLowerCase().endsWith('.gz');
}

/** From byte `from` of the (unpacked) content on. Throws the system's error if the file cannot be opened. */
export function openFileBytes(path: string, from = 0): FileBytes {
  const descriptor = openSync(path, 'r');
  let stats: Stats;
  try {
    stats = fstatSync(descriptor);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return isGzip(path) ? unpacked(path, descriptor, stats, from) : plain(descriptor, stats, from);
}

function plain(descriptor: number, stats: Stats, from: number): FileBytes {
  let position = from;
  let sinceTurnBytes = 0;
  let isOpen = true;
  return {
    stats,
    async read(into, at) {
      const count = readSync(descriptor, into, at, into.length - at, position);
      position += count;
      sinceTurnBytes += count;
      if (sinceTurnBytes >= TURN_BYTES) {
        sinceTurnBytes = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return count;
    },
    close() {
      if (isOpen) closeSync(descriptor);
      isOpen = false;
    },
  };
}

/** A packed file has no way to begin in its middle: what is before `from` is unpacked and thrown away. */
function unpacked(path: string, descriptor: number, stats: Stats, from: number): FileBytes {
  // The stream owns the descriptor: if it were closed here, a running read could get the bytes of another file.
  const packed = createReadStream(path, { fd: descriptor, highWaterMark: GUNZIP_BLOCK_BYTES });
  const gunzip = createGunzip({ chunkSize: GUNZIP_BLOCK_BYTES });
  // A failure of either ends the other, and is thrown to the one who reads.
  pipeline(packed, gunzip, () => {});
  const blocks = gunzip[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let block: Uint8Array = new Uint8Array(0);
  let skip = from;
  return {
    stats,
    async read(into, at) {
      while (block.length === 0) {
        const next = await blocks.next();
        if (next.done === true) return 0;
        block = next.value.subarray(Math.min(skip, next.value.length));
        skip = Math.max(0, skip - next.value.length);
      }
      const count = Math.min(block.length, into.length - at);
      into.set(block.subarray(0, count), at);
      block = block.subarray(count);
      return count;
    },
    close() {
      packed.destroy();
      gunzip.destroy();
    },
  };
}
