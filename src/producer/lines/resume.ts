/**
 * A named delivery of lines that continues where it stopped, after a kill at any moment, with no line lost and none twice.
 *
 * Two things tell the progress. A file stores a lower bound now and then: the number of lines that are in the log, and the
 * offsets from which on later lines are found. Every record carries its producer's name and line number as a header, so the
 * log itself says which lines came after. At start the tail of every partition is read for them, and they are passed
 * over. So the position and the records need not become durable together, and a batch of which a log kept only some
 * partitions is completed.
 *
 * Two cases stay outside: a retry within a run, if the log reported an error and had kept the records all the same,
 * and records that retention removed before the next start. Then a line may be in the log twice.
 */
import { join } from 'node:path';
import type { Clock } from '../../contracts/clock.ts';
import type { AppendedRange } from '../../contracts/log.ts';
import { TallystreamError } from '../../errors.ts';
import type { Input } from './input.ts';
import { identify, refuseOtherInput, skipToLineStart } from './input-identity.ts';
import { LineSet } from './line-set.ts';
import { bytesOfLines, INPUT_START, type LinePosition } from './lines.ts';
import { findBreaks, findRemains, producerHeader, recordsOf, type Remains } from './lost-lines.ts';
import { lockName } from './name-lock.ts';
import type { LineMarks, LineRecord } from './ndjson.ts';
import { type NewestRecord, readPosition, type StoredPosition, writePosition } from './position-file.ts';
import type { ResumeOptions } from './resume-options.ts';
import { linesLost, wentBackNow } from './resume-refusals.ts';
import { WatchedStream } from './stream-head.ts';
import { untilShown } from './until-shown.ts';

export { PRODUCER_HEADER } from './lost-lines.ts';

/** The position is stored after at most this much, which bounds what a start has to read and remember. */
const STORE_LINES_MAX = 10_000;
const STORE_EVERY_MS = 1_000;

const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export interface Resumption {
  /** To be read in place of the one that was given: a stream is compared with the one that was delivered. */
  readonly input: Input;
  /** Where to continue. */
  readonly from: LinePosition;
  readonly marks: LineMarks;
  /** Lines after `from` that were found in the log. */
  readonly foundInLog: number;
  /** Acknowledged lines that the log lost, and that are sent again. */
  readonly sentAgain: number;
  /** Whether the file has nothing after `from`: it was delivered whole. */
  readonly finished: boolean;
  /** Called after every acknowledged batch, in order. */
  acknowledged(records: readonly LineRecord[], ranges: readonly AppendedRange[]): Promise<void>;
  /** Called once when every line up to `position` is acknowledged: stores the position. */
  complete(position: LinePosition): Promise<void>;
  /** Stores what is acknowledged, and lets go of the name. */
  close(): Promise<void>;
}

/**
 * @throws USAGE for a name that is none, or one that belongs to another input or topic; CHECKPOINT_LOCKED if another
 *   process uses the name; TOPIC_RECREATED if the topic is not the one it wrote to; DATA_LOSS if the log no longer has what
 *   it acknowledged; LOG_UNAVAILABLE; INPUT_UNREADABLE, STORAGE_FULL, CONFIG_INVALID, DELIVERY_FAILED if the position's files cannot be used
 */
export async function openResumption(options: ResumeOptions): Promise<Resumption> {
  const { name, folder, clock, input } = options;
  refuseWrongName(name);
  const path = join(folder, `${name}.json`);
  const lock = await lockName(join(folder, `${name}.lock`), name, clock);
  try {
    const found = await readPosition(path);
    if (found !== undefined) {
      await refuseOthers(options, found, path);
      await untilShown(options.log, options.topic.name, clock);
    }
    const { position, sentAgain } = await startingPosition(options, found);
    // Stored before the first append: without it a kill would leave records in the log that no start looks for.
    await writePosition(path, position);
    const tail = await tailInLog(options, position);
    const finished = input.seekable && found !== undefined && (await input.size()) === position.bytes;
    const resumption = new NamedDelivery({ options, path, found, position, tail, lock });
    return resumption.opened({ finished, sentAgain });
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface NamedDeliveryParts {
  readonly options: ResumeOptions;
  readonly path: string;
  readonly found: StoredPosition | undefined;
  readonly position: StoredPosition;
  readonly tail: Tail;
  readonly lock: { release(): void };
}

class NamedDelivery {
  private readonly parts: NamedDeliveryParts;
  private readonly clock: Clock;
  private readonly stream: WatchedStream | undefined;
  private stored: StoredPosition;
  private current: StoredPosition;
  private storedAtMs: number;

  constructor(parts: NamedDeliveryParts) {
    const { options, path, found, position, tail } = parts;
    this.parts = parts;
    this.clock = options.clock;
    this.stored = position;
    this.current = { ...position, newest: tail.newest };
    this.storedAtMs = this.clock.monotonicMs();
    const hasDelivered = position.lines + tail.lines.size > 0;
    if (!options.input.seekable) {
      this.stream = new WatchedStream({
        input: options.input,
        delivered: hasDelivered ? found : undefined,
        path,
        onBegin: (identity) => this.begin(identity),
      });
    }
  }

  opened(how: { readonly finished: boolean; readonly sentAgain: number }): Resumption {
    const { options, position, tail, lock } = this.parts;
    return {
      ...how,
      input: this.stream ?? options.input,
      from: { lines: position.lines, bytes: position.bytes },
      foundInLog: tail.lines.size,
      marks: {
        isDelivered: (line) => tail.lines.has(line),
        headers: (line) => [producerHeader(options.name, line)],
      },
      acknowledged: (records, ranges) => this.acknowledged(records, ranges),
      complete: async ({ lines, bytes }) => {
        if (lines === this.current.lines) return;
        this.current = { ...this.current, lines, bytes };
        await this.store();
      },
      close: async () => {
        try {
          await this.store();
        } finally {
          lock.release();
        }
      },
    };
  }

  private async acknowledged(
    records: readonly LineRecord[],
    ranges: readonly AppendedRange[],
  ): Promise<void> {
    const [first, last] = [records[0], records.at(-1)];
    if (first === undefined || last === undefined) return;
    const newest = this.current.newest.slice();
    for (const { partition, baseOffset, count } of ranges) {
      const known = this.current.newest[partition] ?? null;
      if (known !== null && baseOffset <= known.offset) {
        throw wentBackNow(this.parts.options, { partition, baseOffset, known: known.offset });
      }
      newest[partition] = { offset: baseOffset + count - 1, firstLine: first.line, lastLine: last.line };
    }
    this.current = { ...this.current, lines: last.line, bytes: last.endByte, newest };
    // A later line that an earlier run left in the log must be found again, should this run die before it gets there.
    if (last.line > this.parts.tail.lines.max) {
      const offsets = this.current.offsets.slice();
      for (const range of ranges) offsets[range.partition] = range.baseOffset + range.count;
      this.current = { ...this.current, offsets };
    }
    const due = this.clock.monotonicMs() - this.storedAtMs >= STORE_EVERY_MS;
    if (due || this.current.lines - this.stored.lines >= STORE_LINES_MAX) await this.store();
  }

  /** The stream's first bytes are stored before a line of it can be in the log. */
  private async begin(input: StoredPosition['input']): Promise<void> {
    if (this.current.bytes > 0) return;
    const { found, tail, path } = this.parts;
    // What was sent before is compared by the bytes that are known of it.
    if (found !== undefined && this.current.lines + tail.lines.size > 0) return;
    this.current = { ...this.current, input };
    this.stored = this.current;
    await writePosition(path, this.stored);
  }

  private async store(): Promise<void> {
    if (this.current === this.stored) return;
    const { bytes, input } = this.current;
    const known = bytes === 0 ? undefined : this.stream?.identity(bytes);
    // A run that ended before it had read as much keeps what is known.
    if (known !== undefined && (known.headBytes >= input.headBytes || bytes < input.headBytes)) {
      this.current = { ...this.current, input: known };
    }
    await writePosition(this.parts.path, this.current);
    this.stored = this.current;
    this.storedAtMs = this.clock.monotonicMs();
  }
}

/** Where this run starts: the stored position, or the input's start and the present ends of the partitions. */
async function startingPosition(
  options: ResumeOptions,
  found: StoredPosition | undefined,
): Promise<{ readonly position: StoredPosition; readonly sentAgain: number }> {
  const { name, topic, log, input } = options;
  const identity = await identify(input);
  if (found !== undefined) {
    const known = { ...found, bytes: await skipToLineStart(input, found) };
    const remains = await remainsOf(options, known);
    // Computed again, because a file that has grown can be told from others by more of its bytes.
    const position = { ...remains.position, input: input.seekable ? identity : found.input };
    return { position, sentAgain: remains.lostCount };
  }
  const offsets = (await log.offsets(topic.name)).map(({ latest }) => latest);
  const { lines, bytes } = INPUT_START;
  const position: StoredPosition = {
    schemaVersion: 2,
    name,
    topic: topic.name,
    topicId: topic.id,
    lines,
    bytes,
    offsets,
    newest: [],
    input: identity,
  };
  return { position, sentAgain: 0 };
}

/** @throws DATA_LOSS if lines are lost, and are not to be sent again */
async function remainsOf(options: ResumeOptions, position: StoredPosition): Promise<Remains> {
  const breaks = await findBreaks(options, position);
  if (breaks.length === 0) return { lost: [], lostCount: 0, position };
  const remains = await findRemains(options, position, breaks);
  if (remains.lostCount === 0) return remains;
  if (options.resendLost !== true) throw linesLost(options, remains, breaks);
  const { lines } = remains.position;
  // Of a stream the bytes are known when it is read.
  const bytes = options.input.seekable ? await bytesOfLines(options.input, lines) : 0;
  return { ...remains, position: { ...remains.position, bytes } };
}

interface Tail {
  /** Lines after the stored position. */
  readonly lines: LineSet;
  readonly newest: readonly (NewestRecord | null)[];
}

/** What the log holds of this producer beyond its stored position. */
async function tailInLog(options: ResumeOptions, position: StoredPosition): Promise<Tail> {
  const lines = new LineSet();
  const newest = Array.from(
    { length: options.topic.partitions },
    (_, index) => position.newest[index] ?? null,
  );
  for await (const { partition, offset, line } of recordsOf(options, options.name, position.offsets)) {
    if (line > position.lines) lines.add(line);
    if (offset > (newest[partition]?.offset ?? -1))
      newest[partition] = { offset, firstLine: line, lastLine: line };
  }
  return { lines, newest };
}

function refuseWrongName(name: string): void {
  if (NAME_PATTERN.test(name)) return;
  throw new TallystreamError('USAGE', {
    what: `'${name}' cannot be the name of a producer.`,
    why: 'The name is used as a file name.',
    hint: 'Use up to 64 letters, digits, dots, hyphens and underscores. Begin with a letter or a digit.',
  });
}

async function refuseOthers(options: ResumeOptions, found: StoredPosition, path: string): Promise<void> {
  const { name, topic, input } = options;
  if (found.topic !== topic.name) {
    throw new TallystreamError('USAGE', {
      what: `The name '${name}' belongs to a delivery to topic '${found.topic}', not to '${topic.name}'.`,
      hint: 'Use another name for --resume.',
    });
  }
  if (found.topicId !== topic.id) {
    throw new TallystreamError('TOPIC_RECREATED', {
      what: `Topic '${topic.name}' is not the topic that '${name}' delivered ${found.lines} lines to.`,
      why: 'It was deleted and created again, or it belongs to another log.',
      hint: `To deliver the input from its first line, remove ${path}.`,
    });
  }
  await refuseOtherInput(input, found, path);
}
