/** Gathers decoded records into chunks of bounded size. */
import type { Header, RecordChunk } from '../../../contracts/log.ts';
import { markOf, type BatchHeader } from '../wire/record-batch.ts';
import { BATCH_BYTES_MAX, BATCH_RECORDS_MAX } from '../../shared/record-batch.ts';

interface Columns {
  readonly valueStart: Int32Array;
  readonly valueEnd: Int32Array;
  readonly keyStart: Int32Array;
  readonly keyEnd: Int32Array;
  readonly offsets: Float64Array;
  readonly timestampsMs: Float64Array;
}

/** Decompressed payloads up to this are copied together: many small batches would otherwise be a chunk each. */
const COPIED_BYTES_MAX = 256 * 1024;

/**
 * What the chunks of one range are made in, two of each in turn: while one chunk is read the next is begun, and then the
 * first one is over.
 */
export class ChunkMemory {
  private readonly sets: Columns[] = [];
  private readonly copies: Uint8Array[] = [];
  private setTurn = 0;
  private copyTurn = 0;

  columns(capacity: number): Columns {
    this.setTurn ^= 1;
    const used = this.sets[this.setTurn];
    if (used !== undefined && used.offsets.length >= capacity) return used;
    return (this.sets[this.setTurn] = columnsOf(capacity));
  }

  copy(capacity: number): Uint8Array {
    this.copyTurn ^= 1;
    const used = this.copies[this.copyTurn];
    if (used !== undefined && used.length >= capacity) return used;
    return (this.copies[this.copyTurn] = new Uint8Array(capacity));
  }
}

/** Ranges that are read at once: the current one, and those that are opened ahead. */
const FREE_MEMORY_MAX = 4;

/** Memory of ranges that were read to their end, for the next ones: a drain would otherwise make half a megabyte for each. */
export class ChunkMemoryPool {
  private readonly free: ChunkMemory[] = [];

  take(): ChunkMemory {
    return this.free.pop() ?? new ChunkMemory();
  }

  /** Only when no chunk that was made in it is being read. */
  give(memory: ChunkMemory): void {
    if (this.free.length < FREE_MEMORY_MAX) this.free.push(memory);
  }
}

/**
 * One chunk is views of one block. Records are added by their positions in the block that `over` named; a chunk is
 * ready if the next record would be in another block, or beyond the bounds of a chunk.
 */
export class ChunkBuilder {
  ready: RecordChunk | undefined;
  private readonly partition: number;
  private readonly batchesMax: number;
  private readonly memory: ChunkMemory;
  private recordsLeft: number;
  private block: Uint8Array = new Uint8Array(0);
  /** Set while `block` is memory of our own, which small payloads are copied into. */
  private copiedBytes: number | undefined;
  /** Where the payload of the current batch starts in `block`. */
  private shift = 0;
  private columns: Columns | undefined;
  /** The current batch, and that of the last record that was added. */
  private batch: BatchHeader | undefined;
  private lastBatch: BatchHeader | undefined;
  private headers = new Map<number, readonly Header[]>();
  /** Of the current chunk; undefined while all its timestamps are safe integers. */
  private exactTimestamps: Map<number, bigint> | undefined;
  private count = 0;
  private from = 0;
  private to = 0;

  /** `recordsMax` and `batchesMax` bound what is to come, and so what is allocated for it. */
  constructor(partition: number, recordsMax: number, batchesMax: number, memory: ChunkMemory) {
    this.memory = memory;
    this.partition = partition;
    this.recordsLeft = recordsMax;
    this.batchesMax = batchesMax;
  }

  /** The next records are those of this batch in this block. */
  over(block: Uint8Array, batch: BatchHeader): void {
    this.batch = batch;
    if (this.block !== block) this.change(block);
    this.copiedBytes = undefined;
    this.shift = 0;
  }

  /** The next records are those of this batch, whose payload this is and nothing else. */
  overCopied(payload: Uint8Array, batch: BatchHeader): void {
    if (payload.length > COPIED_BYTES_MAX || this.batchesMax === 1) {
      this.over(payload, batch);
      return;
    }
    this.batch = batch;
    if (this.copiedBytes === undefined || this.copiedBytes + payload.length > this.block.length) {
      this.change(this.memory.copy(Math.min(BATCH_BYTES_MAX, COPIED_BYTES_MAX * this.batchesMax)));
      this.copiedBytes = 0;
    }
    this.block.set(payload, this.copiedBytes);
    this.shift = this.copiedBytes;
    this.copiedBytes += payload.length;
  }

  add(
    offset: number,
    timestampMs: number,
    recordStart: number,
    recordEnd: number,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number,
    headers: readonly Header[],
  ): void {
    const { shift } = this;
    const tooMany = this.count === BATCH_RECORDS_MAX || recordEnd + shift - this.from > BATCH_BYTES_MAX;
    if (this.count > 0 && tooMany) this.cut();
    if (this.count === 0) this.from = recordStart + shift;
    const columns = (this.columns ??= this.memory.columns(Math.min(this.recordsLeft, BATCH_RECORDS_MAX)));
    const row = this.count;
    // Positions count from the chunk's first record, so that the chunk is no larger than what it holds.
    const by = shift - this.from;
    columns.offsets[row] = offset;
    columns.timestampsMs[row] = timestampMs;
    columns.keyStart[row] = keyStart < 0 ? -1 : keyStart + by;
    columns.keyEnd[row] = keyEnd < 0 ? -1 : keyEnd + by;
    columns.valueStart[row] = valueStart < 0 ? -1 : valueStart + by;
    columns.valueEnd[row] = valueEnd < 0 ? -1 : valueEnd + by;
    if (headers.length > 0) this.headers.set(row, headers);
    this.to = recordEnd + shift;
    this.lastBatch = this.batch;
    this.count += 1;
    this.recordsLeft -= 1;
  }

  /** The record added last has this timestamp, which was not computed exactly as a double. */
  setTimestamp(exact: bigint): void {
    const row = this.count - 1;
    const timestampMs = Number(exact);
    if (this.columns !== undefined) this.columns.timestampsMs[row] = timestampMs;
    if (!Number.isSafeInteger(timestampMs)) (this.exactTimestamps ??= new Map()).set(row, exact);
  }

  takeReady(): RecordChunk {
    const chunk = this.ready as RecordChunk;
    this.ready = undefined;
    return chunk;
  }

  /** What is left at the end. */
  flush(): RecordChunk | undefined {
    this.cut();
    const chunk = this.ready;
    this.ready = undefined;
    return chunk;
  }

  private change(block: Uint8Array): void {
    this.cut();
    this.block = block;
  }

  private cut(): void {
    const { columns, count } = this;
    if (columns === undefined || count === 0) return;
    const { baseOffset, lastOffset, checksum, leaderEpoch } = this.lastBatch as BatchHeader;
    this.ready = {
      partition: this.partition,
      count,
      bytes: this.block.subarray(this.from, this.to),
      valueStart: columns.valueStart.subarray(0, count),
      valueEnd: columns.valueEnd.subarray(0, count),
      keyStart: columns.keyStart.subarray(0, count),
      keyEnd: columns.keyEnd.subarray(0, count),
      offsets: columns.offsets.subarray(0, count),
      timestampsMs: columns.timestampsMs.subarray(0, count),
      headers: this.headers,
      mark: markOf(baseOffset, lastOffset, checksum, leaderEpoch),
      ...(this.exactTimestamps && { exactTimestamps: this.exactTimestamps }),
    };
    this.exactTimestamps = undefined;
    this.columns = undefined;
    this.headers = new Map();
    this.count = 0;
  }
}

function columnsOf(capacity: number): Columns {
  return {
    valueStart: new Int32Array(capacity),
    valueEnd: new Int32Array(capacity),
    keyStart: new Int32Array(capacity),
    keyEnd: new Int32Array(capacity),
    offsets: new Float64Array(capacity),
    timestampsMs: new Float64Array(capacity),
  };
}
