/**
 * Writes a batch to topics in one transaction together with its marker (KIP-98), so that whoever reads committed sees
 * each batch once: a runner that starts fences the one before it, settles what it left open, and then reads the marker.
 */
import { invariant, TallystreamError } from '../errors.ts';
import type { BatchResult } from '../contracts/batch-result.ts';
import type { Log, RecordInput, TransactionalWriter } from '../contracts/log.ts';
import type { BatchIdentity, RunnerIdentity, Sink, TopicOutput } from '../contracts/sink.ts';
import { CONTROL_TOPIC, markerOf, newestMarker } from './marker.ts';

/** What is appended at once, to all topics: memory stays bounded, whatever a batch holds. */
const APPEND_RECORDS_MAX = 1_000;
const APPEND_BYTES_MAX = 2 * 1024 * 1024;
/** A record from this size on goes alone, so that one that the topic does not take can be told from the others. */
const ALONE_BYTES = 256 * 1024;

export interface TopicSinkOptions {
  readonly log: Log;
  readonly outputs: readonly TopicOutput[];
  readonly controlTopic: string;
}

/** @throws CONFIG_INVALID where the log has no transactions */
export function createTopicSink(options: TopicSinkOptions): Sink {
  if (options.log.openTransactions !== undefined) return new TopicSink(options);
  throw new TallystreamError('CONFIG_INVALID', {
    what: `The ${options.log.format} log has no transactions, and output topics are written in one.`,
    mend: 'Use the log kafka, or turn output topics off.',
  });
}

class TopicSink implements Sink {
  readonly name: string;
  private readonly options: TopicSinkOptions;
  private writer: TransactionalWriter | undefined;
  private hasMissedBatches = false;

  constructor(options: TopicSinkOptions) {
    this.options = options;
    this.name = options.outputs.map(({ topic }) => topic).join(', ');
  }

  async open({ queryId }: RunnerIdentity, committed: number | undefined): Promise<number | undefined> {
    const { log, outputs, controlTopic } = this.options;
    for (const { topic, options } of outputs) await log.createTopic(topic, options);
    await log.createTopic(controlTopic, CONTROL_TOPIC);
    // First the writer: what it settles is there when the marker is read.
    const topics = [...outputs.map(({ topic }) => topic), controlTopic];
    this.writer = await log.openTransactions?.(`tallystream-${queryId}`, topics);
    const held = await newestMarker(log, controlTopic, queryId);
    this.hasMissedBatches = (held ?? -1) < (committed ?? -1);
    return held;
  }

  async write(result: BatchResult, identity: BatchIdentity): Promise<void> {
    const { outputs, controlTopic } = this.options;
    const { writer } = this;
    invariant(writer !== undefined, 'the topics are opened before they are written');
    try {
      const appends = new Appends(writer);
      for (const output of outputs) {
        for (const record of output.records(result, this.hasMissedBatches)) await appends.add(output, record);
      }
      await appends.addMarker(controlTopic, markerOf(identity));
      await appends.flush();
    } catch (error) {
      // Whoever opens next would take it back all the same; readers need not wait so long.
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

/** Gathers the records of a batch, and appends to all topics together. */
class Appends {
  private readonly writer: TransactionalWriter;
  private readonly byTopic = new Map<string, RecordInput[]>();
  private records = 0;
  private bytes = 0;

  constructor(writer: TransactionalWriter) {
    this.writer = writer;
  }

  async add(output: TopicOutput, record: RecordInput): Promise<void> {
    const size = bytesOf(record);
    if (size < ALONE_BYTES) return this.gather(output.topic, record, size);
    await this.flush();
    await appendAlone(this.writer, output, record);
  }

  addMarker(topic: string, marker: RecordInput): Promise<void> {
    return this.gather(topic, marker, bytesOf(marker));
  }

  async flush(): Promise<void> {
    const appends = [...this.byTopic].map(([topic, records]) => this.writer.append(topic, records));
    this.byTopic.clear();
    this.records = 0;
    this.bytes = 0;
    // None is under way any more when the first error is thrown: only then may the transaction be taken back.
    const failed = (await Promise.allSettled(appends)).find(({ status }) => status === 'rejected');
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  }

  private async gather(topic: string, record: RecordInput, size: number): Promise<void> {
    const records = this.byTopic.get(topic) ?? [];
    records.push(record);
    this.byTopic.set(topic, records);
    this.records += 1;
    this.bytes += size;
    if (this.records >= APPEND_RECORDS_MAX || this.bytes >= APPEND_BYTES_MAX) await this.flush();
  }
}

async function appendAlone(
  writer: TransactionalWriter,
  output: TopicOutput,
  record: RecordInput,
): Promise<void> {
  try {
    await writer.append(output.topic, [record]);
  } catch (error) {
    const isTooLarge = error instanceof TallystreamError && error.code === 'RECORD_TOO_LARGE';
    if (!isTooLarge || output.inPlaceOf === undefined) throw error;
    await writer.append(output.topic, [output.inPlaceOf(record)]);
  }
}

function bytesOf({ key, value, headers = [] }: RecordInput): number {
  const ofHeaders = headers.reduce((sum, header) => sum + header.name.length + header.value.length, 0);
  return (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders;
}
