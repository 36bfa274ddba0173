/**
 * Writes a batch to topics in one transaction together with its marker (KIP-98), so that a reader of committed records sees
 * each batch once: a runner that starts fences the one before it, settles what it left open, and then reads the marker.
 */
import { invariant, TallystreamError } from '../errors.ts';
import type { BatchResult } from '../contracts/batch-result.ts';
import type { Log, RecordInPlace, RecordInput, TransactionalWriter } from '../contracts/log.ts';
import type { BatchIdentity, RunnerIdentity, Sink, TopicOutput } from '../contracts/sink.ts';
import { CONTROL_TOPIC, markerOf, newestMarker } from './marker.ts';

/** What is appended at once, to all topics: memory stays bounded, whatever a batch holds. */
const APPEND_RECORDS_MAX = 1_000;
const APPEND_BYTES_MAX = 2 * 1024 * 1024;

export interface TopicSinkOptions {
  readonly log: Log;
  readonly outputs: readonly TopicOutput[];
  readonly controlTopic: string;
}

/** @throws CONFIG_INVALID if the log has no transactions */
export function createTopicSink(options: TopicSinkOptions): Sink {
  if (options.log.openTransactions !== undefined) return new TopicSink(options);
  throw new TallystreamError('CONFIG_INVALID', {
    what: `Output topics are written in transactions, which the ${options.log.format} log does not have.`,
    hint: 'Use the log kafka, or turn off output topics.',
  });
}

class TopicSink implements Sink {
  readonly name: string;
  private readonly options: TopicSinkOptions;
  private writer: TransactionalWriter | undefined;
  /** The topics lack what was committed before: they were turned off for a while, or deleted and made again. */
  private hasMissedBatches = false;
  /** By name. A marker notes them, so that a topic that was made again since is seen at the next start. */
  private topicIds: Readonly<Record<string, string>> = {};

  constructor(options: TopicSinkOptions) {
    this.options = options;
    this.name = options.outputs.map(({ topic }) => topic).join(', ');
  }

  async open({ queryId }: RunnerIdentity, committed: number | undefined): Promise<number | undefined> {
    const { log, outputs, controlTopic } = this.options;
    const found = await Promise.all(outputs.map(({ topic }) => log.describeTopic(topic)));
    const ids: Record<string, string> = {};
    for (const { topic, options } of outputs) ids[topic] = (await log.createTopic(topic, options)).id;
    this.topicIds = ids;
    await log.createTopic(controlTopic, CONTROL_TOPIC);
    // First the writer: what it settles is there when the marker is read.
    const topics = [...outputs.map(({ topic }) => topic), controlTopic];
    this.writer = await log.openTransactions?.(`tallystream-${queryId}`, topics);
    const held = await newestMarker(log, controlTopic, queryId);
    const isOther = (topic: string) => held?.topics !== undefined && held.topics[topic] !== ids[topic];
    const hasLost = found.includes(undefined) || outputs.some(({ topic }) => isOther(topic));
    this.hasMissedBatches = committed !== undefined && ((held?.batchId ?? -1) < committed || hasLost);
    return held?.batchId;
  }

  async write(result: BatchResult, identity: BatchIdentity): Promise<void> {
    const { outputs, controlTopic } = this.options;
    const { writer } = this;
    invariant(writer !== undefined, 'the topics were written before they were opened');
    try {
      const appends = new Appends(writer);
      for (const output of outputs) {
        for (const record of output.records(result, this.hasMissedBatches)) await appends.add(output, record);
      }
      await appends.addMarker(controlTopic, markerOf(identity, this.topicIds));
      await appends.flush();
    } catch (error) {
      // The next one to open would abort it anyway; readers need not wait that long.
      await writer.abort().catch(() => undefined);
      throw error;
    }
    await writer.commit('decided');
    this.hasMissedBatches = false;
  }

  async settle(): Promise<void> {
    await this.writer?.commit();
  }

  async close(): Promise<void> {
    await this.writer?.close();
  }
}

interface Gathered {
  readonly records: RecordInput[];
  readonly inPlaceOf: RecordInPlace | undefined;
}

/** Gathers the records of a batch, and appends to all topics together. */
class Appends {
  private readonly writer: TransactionalWriter;
  private readonly byTopic = new Map<string, Gathered>();
  private records = 0;
  private bytes = 0;

  constructor(writer: TransactionalWriter) {
    this.writer = writer;
  }

  async add(output: TopicOutput, record: RecordInput): Promise<void> {
    await this.gather(output.topic, record, output.inPlaceOf);
  }

  addMarker(topic: string, marker: RecordInput): Promise<void> {
    return this.gather(topic, marker, undefined);
  }

  async flush(): Promise<void> {
    const appends = [...this.byTopic].map(([topic, { records, inPlaceOf }]) =>
      this.writer.append(topic, records, inPlaceOf),
    );
    this.byTopic.clear();
    this.records = 0;
    this.bytes = 0;
    // None is in progress any more when the first error is thrown: only then may the transaction be taken back.
    const failed = (await Promise.allSettled(appends)).find(({ status }) => status === 'rejected');
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  }

  private async gather(
    topic: string,
    record: RecordInput,
    inPlaceOf: RecordInPlace | undefined,
  ): Promise<void> {
    const gathered = this.byTopic.get(topic) ?? { records: [], inPlaceOf };
    gathered.records.push(record);
    this.byTopic.set(topic, gathered);
    this.records += 1;
    this.bytes += bytesOf(record);
    if (this.records >= APPEND_RECORDS_MAX || this.bytes >= APPEND_BYTES_MAX) await this.flush();
  }
}

function bytesOf({ key, value, headers = [] }: RecordInput): number {
  const ofHeaders = headers.reduce((sum, header) => sum + header.name.length + header.value.length, 0);
  return (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders;
}
