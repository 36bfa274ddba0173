/**
 * Whether the log still has what it acknowledged. A log goes back if an older copy of it is restored, or if brokers lose
 * its end. The newest record of the producer in each partition tells: if it is not where the log said that it is, the
 * whole topic is read for this producer's lines, and those that are not there are named.
 */
import type { Header, Log, PartitionOffsets, TopicDescription } from '../../contracts/log.ts';
import { type LineRange, LineSet } from './line-set.ts';
import type { NewestRecord, StoredPosition } from './position-file.ts';

/** Name of the header; its value is `NAME:line`, in ASCII. */
export const PRODUCER_HEADER = 'tallystream.producer';

export interface Topic {
  readonly log: Log;
  readonly topic: TopicDescription;
}

/** A partition that is not what it was. */
export interface PartitionBreak {
  readonly partition: number;
  /** In one sentence. */
  readonly why: string;
}

export interface ProducedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly line: number;
}

/** What the topic holds of a producer whose log went back. */
export interface Remains {
  /** Acknowledged lines that are not in the log, in order. */
  readonly lost: readonly LineRange[];
  readonly lostCount: number;
  /** The position of what is in the log: it ends before the first lost line. Its bytes are those of the old one. */
  readonly position: StoredPosition;
}

export function producerHeader(name: string, line: number): Header {
  return { name: PRODUCER_HEADER, value: Buffer.from(`${name}:${line}`, 'latin1') };
}

function lineOf(name: string, headers: readonly Header[]): number | undefined {
  const header = headers.find((one) => one.name === PRODUCER_HEADER);
  if (header === undefined) return undefined;
  const text = Buffer.from(header.value).toString('latin1');
  if (!text.startsWith(`${name}:`)) return undefined;
  const digits = text.slice(name.length + 1);
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

/** The records of this producer in the topic, from these offsets on (by partition; the earliest if left out). */
export async function* recordsOf(
  { log, topic }: Topic,
  name: string,
  from: readonly number[] = [],
): AsyncGenerator<ProducedRecord> {
  for (const { partition, earliest, latest } of await log.offsets(topic.name)) {
    const start = Math.max(earliest, from[partition] ?? 0);
    if (start >= latest) continue;
    for await (const chunk of log.read({ topic: topic.name, partition, start, end: latest })) {
      for (const [row, headers] of chunk.headers) {
        const line = lineOf(name, headers);
        if (line !== undefined) yield { partition, offset: chunk.offsets[row] as number, line };
      }
    }
  }
}

/** The partitions that end before what was acknowledged, or that hold another record there. */
export async function findBreaks(at: Topic, position: StoredPosition): Promise<PartitionBreak[]> {
  const breaks: PartitionBreak[] = [];
  for (const offsets of await at.log.offsets(at.topic.name)) {
    const why = await whyBroken(at, position, offsets);
    if (why !== undefined) breaks.push({ partition: offsets.partition, why });
  }
  return breaks;
}

async function whyBroken(
  { log, topic }: Topic,
  { name, offsets, newest }: StoredPosition,
  { partition, earliest, latest }: PartitionOffsets,
): Promise<string | undefined> {
  const last = newest[partition] ?? undefined;
  const end = Math.max(offsets[partition] ?? 0, last === undefined ? 0 : last.offset + 1);
  if (latest < end)
    return `partition ${partition} ended at offset ${end} or later, and ends at ${latest} now`;
  if (last === undefined || last.offset < earliest) return undefined;
  const { offset } = last;
  for await (const chunk of log.read({ topic: topic.name, partition, start: offset, end: offset + 1 })) {
    for (let row = 0; row < chunk.count; row += 1) {
      if (chunk.offsets[row] !== offset) continue;
      const line = lineOf(name, chunk.headers.get(row) ?? []);
      if (line !== undefined && line >= last.firstLine && line <= last.lastLine) return undefined;
      return `offset ${offset} of partition ${partition} holds another record than the one that was acknowledged`;
    }
  }
  // Compaction has removed it, which is no loss.
  return undefined;
}

/** Reads the whole topic. */
export async function findRemains(
  at: Topic,
  position: StoredPosition,
  breaks: readonly PartitionBreak[],
): Promise<Remains> {
  const { name, lines } = position;
  const ends = await at.log.offsets(at.topic.name);
  const found = new LineSet();
  const newest: (NewestRecord | null)[] = ends.map(() => null);
  const highest = ends.map(() => 0);
  for await (const { partition, offset, line } of recordsOf(at, name)) {
    found.add(line);
    newest[partition] = { offset, firstLine: line, lastLine: line };
    if (line <= lines) highest[partition] = Math.max(highest[partition] ?? 0, line);
  }
  // What retention removed is before the first record that is left. Without retention every missing line is lost.
  const isWhole = ends.every(({ earliest }) => earliest === 0);
  const kept = isWhole ? 0 : Math.min(...breaks.map(({ partition }) => highest[partition] ?? 0));
  const lost = found.missing(kept + 1, lines);
  const upTo = (lost[0]?.first ?? lines + 1) - 1;
  const offsets = ends.map(({ latest }) => latest);
  for await (const { partition, offset, line } of recordsOf(at, name)) {
    if (line > upTo) offsets[partition] = Math.min(offsets[partition] ?? offset, offset);
  }
  return {
    lost,
    lostCount: lost.reduce((sum, { first, last }) => sum + last - first + 1, 0),
    position: { ...position, lines: upTo, offsets, newest },
  };
}
