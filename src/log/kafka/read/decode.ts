/**
 * Fetched bytes as columns. Uncompressed records are mapped in place: a record costs its varints and no object,
 * no copy and no closure. Control records are no records of the topic, and records of aborted transactions never were.
 */
import type { Header, ReadRange, RecordChunk } from '../../../contracts/log.ts';
import { TallystreamError } from '../../../errors.ts';
import { crc32c } from '../wire/crc32c.ts';
import { batchesOf, FIELD, HEADER_BYTES, MAGIC, type BatchHeader } from '../wire/record-batch.ts';
import { ChunkBuilder, ChunkMemory } from './chunk-builder.ts';
import { decompress } from './decompress.ts';
import { signedVarlong, VarintReader } from '../wire/varint.ts';

/** A transaction that was given up, as a fetch names it: its producer's records from `firstOffset` to its marker. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

export interface Fetched {
  readonly block: Buffer;
  readonly aborted: readonly AbortedTransaction[];
}

const SAFE_MAX = Number.MAX_SAFE_INTEGER;
const NO_HEADERS: readonly Header[] = [];
const TEXT_DECODER = new TextDecoder('utf-8', { ignoreBOM: true });
/** The control record's key: its version, then its type, of which this is the one that ends a transaction for nothing. */
const ABORT_MARKER = 0;

/**
 * The records of the range in chunks of bounded size. Each is made in `memory` and is valid until the next one. Returns the
 * offset for the next fetch, after the last batch, or undefined if the block holds no whole batch.
 * @throws LOG_CORRUPT
 */
export function* decodeFetched(
  fetched: Fetched,
  range: ReadRange,
  memory = new ChunkMemory(),
): Generator<RecordChunk, number | undefined> {
  const { block } = fetched;
  // A plain array: a slice of it is a copy, as code that keeps bytes of a chunk expects; a Buffer's is a view.
  const plain = plainBytes(block);
  const transactions = new AbortedTransactions(fetched.aborted);
  const batches = batchesOf(block);
  const recordsMax = batches.reduce((sum, { count }) => sum + count, 0);
  const chunks = new ChunkBuilder(range.partition, recordsMax, batches.length, memory);
  let next: number | undefined;
  for (const batch of batches) {
    next = batch.lastOffset + 1;
    // A range may start or end within a batch; whole batches before it come if the log was compacted.
    if (next <= range.start) continue;
    if (batch.baseOffset >= range.end) break;
    if (batch.magic !== MAGIC)
      throw corrupt(range, batch, `is in format ${batch.magic}, which is not supported`);
    const checked = block.subarray(batch.start + FIELD.attributes, batch.end);
    if (crc32c(checked) !== batch.checksum) throw corrupt(range, batch, 'does not match its checksum');
    if (transactions.hides(batch, block)) continue;
    const isPlain = batch.compression === 0;
    const payload = isPlain ? plain : plainBytes(decompressed(batch, block, range));
    const reader = new VarintReader(payload, isPlain ? batch.start + HEADER_BYTES : 0);
    if (isPlain) chunks.over(plain, batch);
    else chunks.overCopied(payload, batch);
    if (chunks.ready !== undefined) yield chunks.takeReady();
    for (let record = 0; record < batch.count; record += 1) {
      try {
        readRecord(reader, batch, range, chunks);
      } catch (error) {
        if (error instanceof RangeError) throw corrupt(range, batch, `cannot be read: ${error.message}`);
        throw error;
      }
      if (chunks.ready !== undefined) yield chunks.takeReady();
    }
  }
  const last = chunks.flush();
  if (last !== undefined) yield last;
  return next;
}

/** Length, attributes, timestamp delta, offset delta, key, value, headers. */
function readRecord(reader: VarintReader, batch: BatchHeader, range: ReadRange, chunks: ChunkBuilder): void {
  const length = reader.signed();
  const recordStart = reader.at;
  const recordEnd = recordStart + length;
  if (length < 0 || recordEnd > reader.bytes.length) throw new RangeError('a record ends outside its batch');
  reader.at += 1;
  const timeAt = reader.at;
  const timestampMs = batch.appendTimeMs ?? batch.baseTimestampMs + reader.signed();
  if (batch.appendTimeMs !== undefined) reader.signed();
  const offset = batch.baseOffset + reader.signed();
  if (offset >= range.start && offset < range.end) {
    const keyLength = reader.signed();
    const keyStart = keyLength < 0 ? -1 : reader.at;
    if (keyLength > 0) reader.at += keyLength;
    const keyEnd = keyLength < 0 ? -1 : reader.at;
    const valueLength = reader.signed();
    const valueStart = valueLength < 0 ? -1 : reader.at;
    if (valueLength > 0) reader.at += valueLength;
    const valueEnd = valueLength < 0 ? -1 : reader.at;
    const headerCount = reader.signed();
    const headers = headerCount > 0 ? readHeaders(reader, headerCount) : NO_HEADERS;
    if (reader.at !== recordEnd) throw new RangeError('a record is not as long as it declares');
    chunks.add(offset, timestampMs, recordStart, recordEnd, keyStart, keyEnd, valueStart, valueEnd, headers);
    if (!(Math.abs(timestampMs) <= SAFE_MAX) || !(Math.abs(batch.baseTimestampMs) <= SAFE_MAX))
      chunks.setTimestamp(exactTimestamp(reader.bytes, timeAt, batch));
  }
  reader.at = recordEnd;
}

/** Any 64 bits that a producer wrote, for the few records whose timestamp no double holds. */
function exactTimestamp(bytes: Uint8Array, timeAt: number, batch: BatchHeader): bigint {
  if (batch.appendTimeMs !== undefined) return batch.exactMaxTimestamp;
  return BigInt.asIntN(64, batch.exactBaseTimestamp + signedVarlong(bytes, timeAt));
}

function readHeaders(reader: VarintReader, count: number): Header[] {
  const headers: Header[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = readSlice(reader);
    headers.push({ name: TEXT_DECODER.decode(name), value: readSlice(reader) });
  }
  return headers;
}

/** A view; empty for a null, which a header's value may be in Kafka. */
function readSlice(reader: VarintReader): Uint8Array {
  const length = Math.max(0, reader.signed());
  const { at, bytes } = reader;
  if (at + length > bytes.length) throw new RangeError('a header ends outside its batch');
  reader.at += length;
  return bytes.subarray(at, at + length);
}

function decompressed(batch: BatchHeader, block: Buffer, range: ReadRange): Uint8Array {
  try {
    return decompress(batch.compression, block.subarray(batch.start + HEADER_BYTES, batch.end));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw corrupt(range, batch, `cannot be decompressed: ${why}`);
  }
}

function plainBytes({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

/**
 * Which batches belong to transactions that were given up, as Kafka's own consumer decides it: such a transaction
 * begins at its first offset, ends with its marker, and hides its producer's batches in between.
 */
class AbortedTransactions {
  private readonly waiting: AbortedTransaction[];
  private readonly open = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.waiting = aborted.toSorted((a, b) => b.firstOffset - a.firstOffset);
  }

  hides(batch: BatchHeader, block: Buffer): boolean {
    while ((this.waiting.at(-1)?.firstOffset ?? Infinity) <= batch.lastOffset) {
      this.open.add((this.waiting.pop() as AbortedTransaction).producerId);
    }
    if (batch.isControl) {
      if (markerOf(batch, block) === ABORT_MARKER) this.open.delete(batch.producerId);
      return true;
    }
    return batch.isTransactional && this.open.has(batch.producerId);
  }
}

function markerOf(batch: BatchHeader, block: Buffer): number | undefined {
  if (batch.count === 0) return undefined;
  const reader = new VarintReader(block, batch.start + HEADER_BYTES);
  reader.signed();
  reader.at += 1;
  reader.signed();
  reader.signed();
  const keyLength = reader.signed();
  return keyLength >= 4 ? block.readInt16BE(reader.at + 2) : undefined;
}

function corrupt(
  { topic, partition }: ReadRange,
  { baseOffset }: BatchHeader,
  problem: string,
): TallystreamError {
  return new TallystreamError('LOG_CORRUPT', {
    what: `The records of topic ${topic}, partition ${partition}, cannot be read from offset ${baseOffset} on.`,
    why: `Their batch ${problem}.`,
    hint: 'Check the log of the broker for disk errors. Another replica may still have these records.',
  });
}
