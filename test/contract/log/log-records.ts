/** Records as plain objects, for comparing: what a test appends, and what it reads back. */
import type {
  Header,
  Log,
  ReadRange,
  RecordBlock,
  RecordChunk,
  RecordInput,
} from '../../../src/contracts/log.ts';

export interface PlainRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

const TEXT_ENCODER = new TextEncoder();

export function bytes(text: string): Uint8Array {
  return TEXT_ENCODER.encode(text);
}

/** Bytes as text of one character a byte, so that any bytes compare. */
export function latin1(of: Uint8Array): string {
  return Buffer.from(of.buffer, of.byteOffset, of.byteLength).toString('latin1');
}

export function plainHeaders(headers: readonly Header[]): { name: string; value: string }[] {
  return headers.map(({ name, value }) => ({ name, value: latin1(value) }));
}

export function plainRecords(chunk: RecordChunk): PlainRecord[] {
  const cell = (start: number, end: number) => (start < 0 ? null : latin1(chunk.bytes.subarray(start, end)));
  return Array.from({ length: chunk.count }, (_, row) => ({
    offset: chunk.offsets[row] as number,
    key: cell(chunk.keyStart[row] as number, chunk.keyEnd[row] as number),
    value: cell(chunk.valueStart[row] as number, chunk.valueEnd[row] as number),
    timestampMs: chunk.timestampsMs[row] as number,
    headers: plainHeaders(chunk.headers.get(row) ?? []),
  }));
}

export async function readChunks(log: Log, range: ReadRange): Promise<RecordChunk[]> {
  const chunks: RecordChunk[] = [];
  for await (const chunk of log.read(range)) chunks.push(kept(chunk));
  return chunks;
}

export async function readRecords(log: Log, range: ReadRange): Promise<PlainRecord[]> {
  return (await readChunks(log, range)).flatMap(plainRecords);
}

/** Everything that a partition holds. */
export async function readPartition(log: Log, topic: string, partition: number): Promise<PlainRecord[]> {
  const at = (await log.offsets(topic))[partition];
  if (at === undefined) throw new Error(`no partition ${partition} in ${topic}`);
  return readRecords(log, { topic, partition, start: at.earliest, end: at.latest });
}

/** A copy that outlives the chunk, which holds only until the next one is asked for. */
function kept(chunk: RecordChunk): RecordChunk {
  const headers = [...chunk.headers].map(
    ([row, ofRow]) => [row, ofRow.map(({ name, value }) => ({ name, value: value.slice() }))] as const,
  );
  return {
    partition: chunk.partition,
    count: chunk.count,
    bytes: chunk.bytes.slice(),
    valueStart: chunk.valueStart.slice(),
    valueEnd: chunk.valueEnd.slice(),
    keyStart: chunk.keyStart.slice(),
    keyEnd: chunk.keyEnd.slice(),
    offsets: chunk.offsets.slice(),
    timestampsMs: chunk.timestampsMs.slice(),
    headers: new Map(headers),
    ...(chunk.mark !== undefined && { mark: chunk.mark }),
  };
}

/** Records without headers, partitions and timestamps as a block, its values one after the other and the keys behind. */
export function blockOf(records: readonly Pick<RecordInput, 'key' | 'value'>[]): RecordBlock {
  const parts: Uint8Array[] = [];
  let at = 0;
  const place = (part: Uint8Array | null): [number, number] => {
    if (part === null) return [-1, -1];
    parts.push(part);
    at += part.length;
    return [at - part.length, at];
  };
  const values = records.map(({ value }) => place(value));
  const keys = records.map(({ key }) => place(key));
  const column = (places: [number, number][], side: 0 | 1) => Int32Array.from(places, (one) => one[side]);
  return {
    count: records.length,
    bytes: Buffer.concat(parts),
    valueStart: column(values, 0),
    valueEnd: column(values, 1),
    keyStart: column(keys, 0),
    keyEnd: column(keys, 1),
  };
}
