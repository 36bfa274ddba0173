/**
 * What the log has acknowledged, in a small file next to it (`log.db-ack`): for each partition the offset and the chain's
 * value after the last append. If the end of the write-ahead log is damaged, SQLite drops it silently. This file then shows
 * that the log is missing acknowledged records.
 *
 * An entry is written after its commit was flushed, and is not flushed itself. After a power cut it may be missing or older
 * than the log, but never newer, so a power cut is never mistaken for damage. After a killed process, or with a restored
 * copy, it is complete.
 *
 * | at          | type        | what                                                                  |
 * |-------------|-------------|-----------------------------------------------------------------------|
 * | 0           | uint32      | magic, "TSA1"                                                         |
 * | 4           | 16 bytes    | the log's id                                                          |
 * | 20          | uint32      | CRC-32 of the 20 bytes before                                         |
 * | 32 * key    | float64     | the next offset of the partition with this key                        |
 * |             | 16 bytes    | the chain's value there                                               |
 * |             | uint32      | CRC-32 of the log's id, the key and the 24 bytes before; else no entry |
 */
import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { CHAIN_BYTES } from './chain.ts';
import { crc32 } from '../shared/crc32.ts';

const MAGIC = 0x31415354;
export const LOG_ID_BYTES = 16;
const HEADER_CRC_AT = 4 + LOG_ID_BYTES;
const ENTRY_BYTES = 32;
const CRC_AT = 8 + CHAIN_BYTES;

/** How far a partition was acknowledged. */
export interface Acknowledged {
  readonly partitionKey: number;
  readonly nextOffset: number;
  /** null if what is below was written by a version without chains. */
  readonly chain: Uint8Array | null;
}

export interface AcknowledgedFile {
  readonly logId: Uint8Array;
  readonly entries: readonly Acknowledged[];
}

const NO_CHAIN = new Uint8Array(CHAIN_BYTES);

export function acknowledgedPath(logPath: string): string {
  return `${logPath}-ack`;
}

/** All that the file says; undefined if it is missing or its beginning is not what was written. */
export function readAcknowledged(logPath: string): AcknowledgedFile | undefined {
  const path = acknowledgedPath(logPath);
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  if (bytes.length < ENTRY_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  if (crc32(bytes.subarray(0, HEADER_CRC_AT)) !== bytes.readUInt32LE(HEADER_CRC_AT)) return undefined;
  const logId = Uint8Array.from(bytes.subarray(4, HEADER_CRC_AT));
  const entries: Acknowledged[] = [];
  for (let key = 1; (key + 1) * ENTRY_BYTES <= bytes.length; key += 1) {
    const entry = entryOf(bytes.subarray(key * ENTRY_BYTES, (key + 1) * ENTRY_BYTES), logId, key);
    if (entry !== undefined) entries.push(entry);
  }
  return { logId, entries };
}

/** Writes the file for one connection that appends. */
export class AcknowledgedWriter {
  private readonly logId: Uint8Array;
  private readonly file: number;
  private run = Buffer.alloc(ENTRY_BYTES);
  private hasWritten = false;

  constructor(logPath: string, logId: Uint8Array) {
    this.logId = logId;
    // Its owner's alone, as the log is.
    this.file = openSync(acknowledgedPath(logPath), constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /** Makes the file say this and nothing else. Called while no other connection can append. */
  reset(entries: readonly Acknowledged[]): void {
    const keyMax = Math.max(0, ...entries.map(({ partitionKey }) => partitionKey));
    const bytes = Buffer.alloc(ENTRY_BYTES * (keyMax + 1));
    bytes.writeUInt32LE(MAGIC, 0);
    bytes.set(this.logId, 4);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER_CRC_AT)), HEADER_CRC_AT);
    for (const entry of entries) {
      const at = entry.partitionKey * ENTRY_BYTES;
      this.encode(entry, bytes.subarray(at, at + ENTRY_BYTES));
    }
    writeSync(this.file, bytes, 0, bytes.length, 0);
    this.hasWritten = true;
  }

  /**
   * Called after the commit, before the append returns, with ascending keys. Of two connections that write at once the
   * farther one wins.
   */
  put(entries: readonly Acknowledged[]): void {
    try {
      for (let from = 0; from < entries.length;) {
        const { partitionKey: firstKey } = entries[from] as Acknowledged;
        let to = from + 1;
        while (entries[to]?.partitionKey === firstKey + to - from) to += 1;
        this.putRun(entries.slice(from, to), firstKey);
        from = to;
      }
      this.hasWritten = true;
    } catch {
      // The records are safe. On a full disk the older entries stay, which claim less.
    }
  }

  /** Partitions of one topic have keys in a row, and so one read and one write. */
  private putRun(entries: readonly Acknowledged[], firstKey: number): void {
    const length = entries.length * ENTRY_BYTES;
    if (this.run.length < length) this.run = Buffer.alloc(length);
    const run = this.run.subarray(0, length);
    run.fill(0, readSync(this.file, run, 0, length, firstKey * ENTRY_BYTES));
    for (const [index, entry] of entries.entries()) {
      const present = run.subarray(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES);
      const isFarther =
        present.readDoubleLE(0) >= entry.nextOffset &&
        entryOf(present, this.logId, entry.partitionKey) !== undefined;
      if (!isFarther) this.encode(entry, present);
    }
    writeSync(this.file, run, 0, length, firstKey * ENTRY_BYTES);
  }

  close(): void {
    try {
      if (this.hasWritten) fdatasyncSync(this.file);
    } catch {
      // The records are safe, as in `put`.
    } finally {
      closeSync(this.file);
    }
  }

  private encode({ partitionKey, nextOffset, chain }: Acknowledged, into: Buffer): void {
    into.fill(0);
    into.writeDoubleLE(nextOffset, 0);
    into.set(chain ?? NO_CHAIN, 8);
    into.writeUInt32LE(crcOf(into, this.logId, partitionKey), CRC_AT);
  }
}

function entryOf(bytes: Buffer, logId: Uint8Array, partitionKey: number): Acknowledged | undefined {
  if (crcOf(bytes, logId, partitionKey) !== bytes.readUInt32LE(CRC_AT)) return undefined;
  const chain = Uint8Array.from(bytes.subarray(8, CRC_AT));
  const isKnown = chain.some((byte) => byte !== 0);
  return { partitionKey, nextOffset: bytes.readDoubleLE(0), chain: isKnown ? chain : null };
}

function crcOf(bytes: Buffer, logId: Uint8Array, partitionKey: number): number {
  const start = crc32(new Uint8Array(Uint32Array.of(partitionKey).buffer), crc32(logId));
  return crc32(bytes.subarray(0, CRC_AT), start);
}
