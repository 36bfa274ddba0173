/** Scans one file: its lines and their positions when it is indexed, and later whether it is unchanged. */
import { opendirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { openFileBytes, type FileBytes } from './bytes.ts';
import {
  changed,
  folderUnavailable,
  gone,
  isMissing,
  notTakenIn,
  stillWritten,
  unreadable,
} from './errors.ts';
import { LINES_PER_POSITION, type IndexedFile, type ScannedFile } from './index-db.ts';
import { cutLines } from './lines.ts';

/**
 * Reads the file once. Undefined if it is already gone, since it has no offsets yet.
 * @throws RECORD_TOO_LARGE, INPUT_UNREADABLE, LOG_UNAVAILABLE (still being written)
 */
export async function scanFile(folder: string, name: string): Promise<ScannedFile | undefined> {
  const path = join(folder, name);
  let source: FileBytes;
  try {
    source = openFileBytes(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw notTakenIn(path, error);
  }
  const { stats } = source;
  const content = summed(source);
  const positions: number[] = [];
  let lines = 0;
  try {
    for await (const block of cutLines(content, 0, stats.size)) {
      // The first line of a file begins it, or follows blank lines; either way a reader finds it from byte 0.
      let next = Math.ceil(Math.max(lines, 1) / LINES_PER_POSITION) * LINES_PER_POSITION;
      for (; next < lines + block.count; next += LINES_PER_POSITION) {
        positions.push(block.position + (block.starts[next - lines] as number));
      }
      lines += block.count;
    }
  } catch (error) {
    throw notTakenIn(path, error);
  } finally {
    source.close();
  }
  const after = statSync(path, { throwIfNoEntry: false });
  if (after === undefined) return undefined;
  if (!isSame(stats, after)) throw stillWritten(path);
  return {
    name,
    bytes: stats.size,
    mtimeMs: stats.mtimeMs,
    contentBytes: content.bytes(),
    checksum: content.checksum(),
    lines,
    positions,
  };
}

function isSame(before: Stats, after: Stats): boolean {
  return before.ino === after.ino && before.size === after.size && before.mtimeMs === after.mtimeMs;
}

/** Files whose times differ from those that were seen and whose content does not; bounded, and asked again after that. */
const VERIFIED_MAX = 10_000;

/**
 * Whether files are still what was seen. Size and modification time say so; a file that was copied back or touched has
 * another time, and then its content decides, by its checksum, once for each time.
 */
export class FileVerifier {
  private readonly folder: string;
  private readonly topic: string;
  private readonly verified = new Map<string, string>();

  constructor(folder: string, topic: string) {
    this.folder = folder;
    this.topic = topic;
  }

  /** Opens the content from a byte on, of the file that was seen and no other. @throws DATA_LOSS, LOG_CORRUPT, LOG_UNAVAILABLE */
  async open(file: IndexedFile, from: number): Promise<FileBytes> {
    const path = join(this.folder, file.name);
    const source = this.openBytes(path, file, from);
    try {
      await this.verify(file, source.stats);
      return source;
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /** @throws LOG_CORRUPT if `stats` are those of another content; DATA_LOSS, LOG_UNAVAILABLE while it is looked at */
  async verify(file: IndexedFile, stats: Stats): Promise<void> {
    if (stats.size === file.bytes && stats.mtimeMs === file.mtimeMs) return;
    const path = join(this.folder, file.name);
    if (stats.size !== file.bytes) {
      throw changed(path, this.topic, file, `it had ${file.bytes} bytes and now has ${stats.size}`);
    }
    const identity = `${stats.ino} ${stats.mtimeMs}`;
    if (this.verified.get(file.name) === identity) return;
    const content = summed(this.openBytes(path, file, 0));
    try {
      const buffer = new Uint8Array(256 * 1024);
      while ((await content.read(buffer, 0)) > 0);
    } catch (error) {
      throw changed(path, this.topic, file, 'it can no longer be decompressed', error);
    } finally {
      content.close();
    }
    if (content.checksum() !== file.checksum || content.bytes() !== file.contentBytes) {
      throw changed(path, this.topic, file, 'its contents are different');
    }
    if (this.verified.size >= VERIFIED_MAX) this.verified.clear();
    this.verified.set(file.name, identity);
  }

  /** @throws LOG_UNAVAILABLE if the whole folder is not there: then nothing says that its files are lost */
  isGone(file: IndexedFile): boolean {
    try {
      statSync(join(this.folder, file.name));
      return false;
    } catch (error) {
      if (!isMissing(error)) return false;
    }
    try {
      opendirSync(this.folder).closeSync();
      return true;
    } catch (error) {
      throw folderUnavailable(this.folder, error);
    }
  }

  private openBytes(path: string, file: IndexedFile, from: number): FileBytes {
    try {
      return openFileBytes(path, from);
    } catch (error) {
      if (isMissing(error) && this.isGone(file)) throw gone(path, this.topic, file, error);
      throw unreadable(path, this.topic, file, error);
    }
  }
}

interface SummedBytes extends FileBytes {
  /** Of what was read so far. */
  checksum(): number;
  bytes(): number;
}

function summed(source: FileBytes): SummedBytes {
  let checksum = 0;
  let bytes = 0;
  return {
    stats: source.stats,
    async read(into, at) {
      const count = await source.read(into, at);
      checksum = crc32(into.subarray(at, at + count), checksum);
      bytes += count;
      return count;
    },
    close: () => source.close(),
    checksum: () => checksum,
    bytes: () => bytes,
  };
}
