/** `topic tail`: records as stored in the log, with position, time, key and headers. */
import { escapeForTerminal } from '../../../columns/format/escape.ts';
import { formatEpochMs } from '../../../columns/values/timestamp.ts';
import { openLog } from '../../compose.ts';
import type { Log, PartitionOffsets } from '../../../contracts/log.ts';
import { TallystreamError } from '../../../errors.ts';
import type { Context } from '../context.ts';
import { createOutput, jsonLine } from '../output.ts';
import { following, newest, type Tail, type TailLimits, type TailRecord } from './tail-window.ts';
import { topicOf } from './list.ts';

const RECORDS_BY_DEFAULT = 10;
const RECORDS_MAX = 1000;
const BYTES_MAX = 32 * 1024 * 1024;
/** How much of a value, a key and a header a line of text shows. */
const VALUE_CHARACTERS_MAX = 160;
const WORD_CHARACTERS_MAX = 40;
const UTF8_BYTES_A_CHARACTER_MAX = 4;

export async function tail(context: Context, [word]: readonly string[]): Promise<number> {
  const asked = askedOf(context);
  context.signals.leaveToSystem();
  const log = await openLog(context.config, context.clock, { readOnly: true });
  try {
    const { name } = await topicOf(log, word ?? context.config.log.topic);
    const { records, isCut } = await readTail(log, name, asked);
    const write = await createOutput();
    for (const record of records) {
      await write(context.json ? jsonLine(asJson(name, record)) : `${asText(record)}\n`);
    }
    if (records.length === 0 && !context.json) await write('No records.\n');
    if (isCut) {
      process.stderr.write(
        `tallystream: only ${records.length} of the requested records are shown, because all of them have more than ${BYTES_MAX / 1024 / 1024} MiB.\n`,
      );
    }
    return 0;
  } finally {
    await log.close();
  }
}

interface Asked {
  readonly partition: number | undefined;
  readonly offset: number | undefined;
  readonly limits: TailLimits;
}

/** @throws USAGE */
function askedOf(context: Context): Asked {
  const [partition, offset, limit] = ['partition', 'offset', 'limit'].map((name) => numberOf(context, name));
  if (offset !== undefined && partition === undefined) {
    throw new TallystreamError('USAGE', {
      what: '--offset needs --partition.',
      why: 'Every partition has its own offsets.',
    });
  }
  if (limit !== undefined && limit > RECORDS_MAX) {
    throw new TallystreamError('USAGE', {
      what: `--limit ${limit} is more than ${RECORDS_MAX}.`,
      hint: 'Use several calls with --partition and --offset.',
    });
  }
  const limits = {
    recordsMax: limit ?? RECORDS_BY_DEFAULT,
    bytesMax: BYTES_MAX,
    valueBytesMax: context.json ? Infinity : VALUE_CHARACTERS_MAX * UTF8_BYTES_A_CHARACTER_MAX,
  };
  return { partition, offset, limits };
}

function numberOf(context: Context, name: string): number | undefined {
  const text = context.flag(name);
  return text === undefined ? undefined : Number(text);
}

async function readTail(log: Log, topic: string, { partition, offset, limits }: Asked): Promise<Tail> {
  const all = await log.offsets(topic);
  if (partition === undefined) return newest(log, topic, all, limits);
  const offsets = partitionOf(topic, all, partition);
  if (offset === undefined) return newest(log, topic, [offsets], limits);
  if (offset < offsets.earliest) {
    throw new TallystreamError('USAGE', {
      what: `Offset ${offset} of ${topic}:${partition} is no longer there.`,
      hint: `Give an offset from ${offsets.earliest} on.`,
    });
  }
  return following(log, topic, offsets, offset, limits);
}

/** @throws USAGE */
function partitionOf(topic: string, all: readonly PartitionOffsets[], partition: number): PartitionOffsets {
  const found = all.find((candidate) => candidate.partition === partition);
  if (found !== undefined) return found;
  throw new TallystreamError('USAGE', {
    what: `Topic ${topic} has no partition ${partition}.`,
    hint: `Give a partition from 0 to ${all.length - 1}.`,
  });
}

/** Bytes are base64, since keys and values may not be text. */
function asJson(topic: string, record: TailRecord): Record<string, unknown> {
  return {
    topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: formatEpochMs(record.timestampMs),
    key: base64(record.key),
    headers: record.headers.map(({ name, value }) => ({ name, value: base64(value) })),
    value: base64(record.value),
  };
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64');
}

function asText(record: TailRecord): string {
  const { partition, offset, timestampMs, key, headers, value, valueBytes } = record;
  const parts = [`${partition}:${offset}`.padEnd(10), formatEpochMs(timestampMs).padEnd(24)];
  parts.push(key === null ? '(no key)' : shown(key, key.byteLength, WORD_CHARACTERS_MAX));
  for (const header of headers) {
    const name = Buffer.from(header.name);
    const value = shown(header.value, header.value.byteLength, WORD_CHARACTERS_MAX);
    parts.push(`${shown(name, name.byteLength, WORD_CHARACTERS_MAX)}=${value}`);
  }
  parts.push(value === null ? '(no value)' : shown(value, valueBytes, VALUE_CHARACTERS_MAX));
  return parts.join('  ');
}

/** The start of a text, escaped; `bytesAll` is its full length, shown if the rest is left out. */
function shown(bytes: Uint8Array, bytesAll: number, charactersMax: number): string {
  const head = bytes.subarray(0, charactersMax * UTF8_BYTES_A_CHARACTER_MAX);
  const characters = [...new TextDecoder('utf-8', { ignoreBOM: true }).decode(head)];
  const isWhole = head.byteLength === bytesAll && characters.length <= charactersMax;
  const text = escapeForTerminal(characters.slice(0, charactersMax).join(''));
  return isWhole ? text : `${text}… (${bytesAll} bytes)`;
}
