/**
 * A named delivery of lines that goes on where it was, after a kill at any moment, with no line lost and none twice.
 *
 * Two things say how far it is. A file holds a lower bound, stored now and then: so many lines are in the log, and later
 * ones lie at these offsets or after them. Every record carries its producer's name and line number as a header, so the
 * log itself says which lines came after. At start the tail of every partition is read for them, and they are passed
 * over. So the position and the records need not become durable together, and a batch of which a log kept only some
 * partitions is completed.
 *
 * Two cases stay outside: a retry within a run, where the log reported an error and had kept the records all the same,
 * and records that retention removed before the next start. Then a line may lie in the log twice.
 */
import { join } from 'node:path';
import type { Clock } from '../contracts/clock.ts';
import type { AppendedRange, Header, Log, TopicDescription } from '../contracts/log.ts';
import { TallystreamError } from '../errors.ts';
import type { Input } from './input.ts';
import { identify, refuseOtherInput, skipToLineStart } from './input-identity.ts';
import { INPUT_START, type LinePosition } from './lines.ts';
import { lockName } from './name-lock.ts';
import type { LineMarks, LineRecord } from './ndjson.ts';
import { readPosition, type StoredPosition, writePosition } from './position-file.ts';

/** Name of the header; its value is `NAME:line`, in ASCII. */
export const PRODUCER_HEADER = 'tallystream.producer';

/** The position is stored after at most this much, which bounds what a start has to read and remember. */
const STORE_LINES_MAX = 10_000;
const STORE_EVERY_MS = 1_000;

const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export interface ResumeOptions {
  readonly name: string;
  /** `<data-dir>/producers`: made where it is missing. */
  readonly folder: string;
  readonly log: Log;
  readonly topic: TopicDescription;
  readonly input: Input;
  readonly clock: Clock;
}

export interface Resumption {
  /** Where to go on. */
  readonly from: LinePosition;
  readonly marks: LineMarks;
  /** Lines after `from` that were found in the log. */
  readonly foundInLog: number;
  /** Whether the file has nothing after `from`: it was delivered whole. */
  readonly finished: boolean;
  /** Called after every acknowledged batch, in order. */
  acknowledged(records: readonly LineRecord[], ranges: readonly AppendedRange[]): Promise<void>;
  /** Called once where every line up to `position` is acknowledged: stores that. */
  complete(position: LinePosition): Promise<void>;
  /** Stores what is acknowledged, and lets go of the name. */
  close(): Promise<void>;
}

/**
 * @throws USAGE for a name that is none, or one that belongs to another input or topic; CHECKPOINT_LOCKED where another
 *   process uses the name; TOPIC_RECREATED where the topic is not the one it wrote to; INPUT_UNREADABLE
 */
export async function openResumption(options: ResumeOptions): Promise<Resumption> {
  const { name, folder, clock } = options;
  refuseWrongName(name);
  const path = join(folder, `${name}.json`);
  const lock = await lockName(join(folder, `${name}.lock`), name, clock);
  try {
    const found = await readPosition(path);
    if (found !== undefined) await refuseOthers(options, found, path);
    const position = await startingPosition(options, found);
    // Stored before the first append: without it a kill would leave records in the log that no start looks for.
    await writePosition(path, position);
    const delivered = await linesInLog(options, position);
    const finished =
      options.input.seekable && found !== undefined && (await options.input.size()) === position.bytes;
    return createResumption(path, position, { delivered, finished, clock, release: () => lock.release() });
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface ResumptionParts {
  readonly delivered: ReadonlySet<number>;
  readonly finished: boolean;
  readonly clock: Clock;
  release(): void;
}

function createResumption(path: string, start: StoredPosition, parts: ResumptionParts): Resumption {
  const { delivered, finished, clock } = parts;
  let stored = start;
  let storedAtMs = clock.monotonicMs();
  let current = start;
  let highestFound = 0;
  for (const line of delivered) highestFound = Math.max(highestFound, line);

  const store = async (): Promise<void> => {
    if (current === stored) return;
    await writePosition(path, current);
    stored = current;
    storedAtMs = clock.monotonicMs();
  };

  return {
    from: { lines: start.lines, bytes: start.bytes },
    finished,
    foundInLog: delivered.size,
    marks: {
      isDelivered: (line) => delivered.has(line),
      headers: (line) => [producerHeader(start.name, line)],
    },
    async acknowledged(records, ranges) {
      const last = records.at(-1);
      if (last === undefined) return;
      current = { ...current, lines: last.line, bytes: last.endByte };
      // A later line that an earlier run left in the log must be found again, should this run die before it gets there.
      if (last.line > highestFound) {
        const offsets = [...current.offsets];
        for (const range of ranges) offsets[range.partition] = range.baseOffset + range.count;
        current = { ...current, offsets };
      }
      const due = clock.monotonicMs() - storedAtMs >= STORE_EVERY_MS;
      if (due || current.lines - stored.lines >= STORE_LINES_MAX) await store();
    },
    async complete(position) {
      if (position.lines === current.lines) return;
      current = { ...current, lines: position.lines, bytes: position.bytes };
      await store();
    },
    async close() {
      try {
        await store();
      } finally {
        parts.release();
      }
    },
  };
}

/** Where this run starts: the stored position, or the input's start and the present ends of the partitions. */
async function startingPosition(
  options: ResumeOptions,
  found: StoredPosition | undefined,
): Promise<StoredPosition> {
  const { name, topic, log, input } = options;
  const identity = await identify(input);
  if (found !== undefined) {
    // Taken anew, because a file that has grown can be told from others by more of its bytes.
    return { ...found, bytes: await skipToLineStart(input, found), input: identity };
  }
  const offsets = (await log.offsets(topic.name)).map(({ latest }) => latest);
  const { lines, bytes } = INPUT_START;
  return {
    schemaVersion: 1,
    name,
    topic: topic.name,
    topicId: topic.id,
    lines,
    bytes,
    offsets,
    input: identity,
  };
}

/** The lines of this producer that lie in the log beyond its stored position. */
async function linesInLog(options: ResumeOptions, position: StoredPosition): Promise<Set<number>> {
  const { log, topic, name } = options;
  const lines = new Set<number>();
  for (const { partition, earliest, latest } of await log.offsets(topic.name)) {
    const start = Math.max(earliest, position.offsets[partition] ?? 0);
    if (start >= latest) continue;
    for await (const chunk of log.read({ topic: topic.name, partition, start, end: latest })) {
      for (const headers of chunk.headers.values()) {
        const line = lineOf(name, headers);
        if (line !== undefined && line > position.lines) lines.add(line);
      }
    }
  }
  return lines;
}

function producerHeader(name: string, line: number): Header {
  return { name: PRODUCER_HEADER, value: Buffer.from(`${name}:${line}`, 'latin1') };
}

function lineOf(name: string, headers: readonly Header[]): number | undefined {
  const header = headers.find((one) => one.name === PRODUCER_HEADER);
  if (header === undefined) return undefined;
  const text = Buffer.from(header.value).toString('latin1');
  return text.startsWith(`${name}:`) ? Number(text.slice(name.length + 1)) : undefined;
}

function refuseWrongName(name: string): void {
  if (NAME_PATTERN.test(name)) return;
  throw new TallystreamError('USAGE', {
    what: `'${name}' cannot be the name of a producer.`,
    why: 'The name becomes the name of a file.',
    mend: 'Take up to 64 letters, digits, dots, hyphens and underscores, and begin with a letter or a digit.',
  });
}

async function refuseOthers(options: ResumeOptions, found: StoredPosition, path: string): Promise<void> {
  const { name, topic, input } = options;
  if (found.topic !== topic.name) {
    throw new TallystreamError('USAGE', {
      what: `The name '${name}' belongs to a delivery to topic '${found.topic}', not to '${topic.name}'.`,
      mend: 'Take another name for --resume.',
    });
  }
  if (found.topicId !== topic.id) {
    throw new TallystreamError('TOPIC_RECREATED', {
      what: `Topic '${topic.name}' is not the one that '${name}' has delivered ${found.lines} lines to.`,
      why: 'It was removed and created again, or it lies in another log.',
      mend: `To deliver the input from its first line, remove ${path}.`,
    });
  }
  await refuseOtherInput(input, found, path);
}
