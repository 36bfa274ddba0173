import { open, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { TallystreamError } from '../../errors.ts';

/** Bytes to read lines from. */
export interface Input {
  /** What messages call it: the path, or `standard input`. */
  readonly name: string;
  /** Whether a position in it can be found again: a file, and not a pipe. */
  readonly seekable: boolean;
  /** The bytes from `startByte` on (0 if the input is not seekable); every block is a buffer of its own. */
  blocks(startByte: number): AsyncIterable<Uint8Array>;
  /** The bytes from `position` on, at most `length`; only of a seekable input. */
  peek(position: number, length: number): Promise<Uint8Array>;
  /** Size of a seekable input at this moment, in bytes. */
  size(): Promise<number>;
  close(): Promise<void>;
}

const BLOCK_BYTES = 256 * 1024;

/**
 * Opens a file, or anything else that has a path and gives bytes.
 * @throws INPUT_UNREADABLE if it is missing, not to be read, or a folder; the blocks throw it if reading fails later
 */
export async function openFileInput(path: string): Promise<Input> {
  const { handle, stats } = await readable(path, async () => {
    const handle = await open(path, 'r');
    const stats = await handle.stat().catch(async (error: unknown) => {
      await handle.close();
      throw error;
    });
    return { handle, stats };
  });
  if (stats.isDirectory()) {
    await handle.close();
    throw new TallystreamError('INPUT_UNREADABLE', {
      what: `${path} is a folder.`,
      hint: 'Use a file with one JSON object per line.',
    });
  }
  const seekable = stats.isFile();
  return {
    name: path,
    seekable,
    blocks: (startByte) => readBlocks(handle, path, seekable ? startByte : null),
    peek: (position, length) => readable(path, () => readFully(handle, position, length)),
    size: () => readable(path, async () => (await handle.stat()).size),
    close: () => handle.close(),
  };
}

/** Standard input, or any other stream of bytes. */
export function openStreamInput(stream: Readable, name = 'standard input'): Input {
  return {
    name,
    seekable: false,
    async *blocks() {
      try {
        for await (const block of stream) {
          yield typeof block === 'string' ? Buffer.from(block, 'utf8') : (block as Uint8Array);
        }
      } catch (error) {
        throw unreadable(name, error);
      }
    },
    peek: () => Promise.resolve(new Uint8Array(0)),
    size: () => Promise.resolve(0),
    close() {
      // Asking the iterator to return would wait for a block that may never come.
      stream.destroy();
      return Promise.resolve();
    },
  };
}

async function* readBlocks(
  handle: FileHandle,
  path: string,
  startByte: number | null,
): AsyncGenerator<Uint8Array> {
  for (let position = startByte; ;) {
    const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    const { bytesRead } = await readable(path, () => handle.read(block, 0, BLOCK_BYTES, position));
    if (bytesRead === 0) return;
    if (position !== null) position += bytesRead;
    yield block.subarray(0, bytesRead);
  }
}

async function readFully(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function readable<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(name: string, error: unknown): TallystreamError {
  const code = (error as NodeJS.ErrnoException).code;
  const why =
    code === 'ENOENT'
      ? 'There is no such file.'
      : code === 'EACCES' || code === 'EPERM'
        ? 'This user may not read it.'
        : code === 'EISDIR'
          ? 'It is a folder.'
          : (error as Error).message;
  return new TallystreamError('INPUT_UNREADABLE', { what: `${name} cannot be read.`, why, cause: error });
}
