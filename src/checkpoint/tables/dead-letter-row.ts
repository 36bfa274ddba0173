/** A dead letter as a row of its table, in the order of `DEAD_LETTER_COLUMNS`. */
import type { SQLInputValue } from 'node:sqlite';
import type { Reason } from '../../columns/decode/problem.ts';
import type { DeadLetter } from '../../contracts/batch.ts';
import type { Header } from '../../contracts/log.ts';
import { plainNumber, type Cell, type Row } from '../connection.ts';

export function rowOfLetter(letter: DeadLetter): SQLInputValue[] {
  return [
    letter.batchId,
    letter.partition,
    letter.offset,
    letter.reason,
    letter.field,
    letter.expected,
    letter.actual,
    letter.topic,
    letter.timestampMs,
    letter.key,
    letter.value,
    headersText(letter.headers),
  ];
}

/** From a statement that reads integers as bigints: a log timestamp may be any 64-bit integer. */
export function letterOfRow(row: Row): DeadLetter {
  const [
    batchId,
    partition,
    offset,
    reason,
    field,
    expected,
    actual,
    topic,
    timestampMs,
    key,
    value,
    headers,
  ] = row;
  return {
    reason: reason as Reason,
    field: field as string | null,
    expected: expected as string,
    actual: actual as string,
    topic: topic as string,
    partition: Number(partition),
    offset: Number(offset),
    batchId: Number(batchId),
    timestampMs: plainNumber(timestampMs as Cell) as number | bigint | null,
    key: key as Uint8Array | null,
    value: value as Uint8Array | null,
    headers: headersOf(headers as string | null),
  };
}

/** A letter that does not match its checksum: its cells if they can be shown, and never its bytes. */
export function damagedLetter(row: Row): DeadLetter {
  const text = (cell: Cell | undefined): string => (typeof cell === 'string' ? cell : '');
  const number = (cell: Cell | undefined): number => (typeof cell === 'number' ? cell : -1);
  const [batchId, partition, offset, reason, field, expected, actual, topic, timestampMs] = row;
  return {
    reason: text(reason) as Reason,
    field: typeof field === 'string' ? field : null,
    expected: text(expected),
    actual: text(actual),
    topic: text(topic),
    partition: number(partition),
    offset: number(offset),
    batchId: number(batchId),
    timestampMs: typeof timestampMs === 'number' ? timestampMs : null,
    key: null,
    value: null,
    headers: [],
    damaged: true,
  };
}

/** How much of the byte limit a letter uses. */
export function bytesOfLetter({ key, value, headers }: DeadLetter): number {
  let bytes = (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
  for (const header of headers) bytes += header.name.length + header.value.byteLength;
  return bytes;
}

/** JSON of `[name, base64 of the value]`, in order; null if there are none, which is nearly always so. */
function headersText(headers: readonly Header[]): string | null {
  if (headers.length === 0) return null;
  return JSON.stringify(headers.map(({ name, value }) => [name, Buffer.from(value).toString('base64')]));
}

function headersOf(text: string | null): Header[] {
  if (text === null) return [];
  const pairs = JSON.parse(text) as [string, string][];
  return pairs.map(([name, value]) => ({ name, value: Buffer.from(value, 'base64') }));
}
