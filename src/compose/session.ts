/** Sessions with the implementations put together, each imported when it is asked for and not before. */
import { join, resolve } from 'node:path';
import type { CheckpointView } from '../contracts/checkpoint.ts';
import type { Clock } from '../contracts/clock.ts';
import type { Log } from '../contracts/log.ts';
import type { Logger } from '../contracts/logger.ts';
import type { ForeachWriter, Sink } from '../contracts/sink.ts';
import type { Schema } from '../columns/schema/schema.ts';
import { systemClock } from '../observe/system-clock.ts';
import { createWarningLogger } from '../observe/warning-logger.ts';
import { loggerInWordsOfOptions } from '../stream/option-words.ts';
import { TallystreamError } from '../errors.ts';
import { withAbsoluteFiles } from '../options/kafka-settings.ts';
import { readRateOptions, readTopicOptions } from '../options/source-options.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { openEmbedded, openKafka } from './log.ts';
import { createStreamSink } from './sinks.ts';
import { createMemoryLog } from '../log/memory/log.ts';
import { TargetClaims, targetsOf } from './targets.ts';
import { reportUnheard } from '../observe/unheard-failures.ts';
import { StreamingQueryManager } from '../stream/query-manager.ts';
import { MEMORY_TOPIC, MemoryStream } from '../stream/memory-stream.ts';
import { Session, type SessionHost } from '../stream/session.ts';
import type { OpenSource, SinkSpec } from '../stream/stream-host.ts';
import type { SourceSpec } from '../stream/stream-parts.ts';

/** What a session takes from its surroundings; all of it can be left out. */
export interface SessionOptions {
  /** Where the embedded log and checkpoints without a location of their own lie; `data` where left out. */
  readonly dataDir?: string;
  /** The system's where left out; tests bring a manual one. */
  readonly clock?: Clock;
  /** Where warnings and errors go, and lines about batches; if left out, warnings and errors go to stderr. */
  readonly logger?: Logger;
}

/** A session, which opens nothing by itself. */
export function createSession(options: SessionOptions = {}): Session {
  return new Session(new Host(options));
}

class Host implements SessionHost {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly queries = new StreamingQueryManager((failure) => reportUnheard(this.logger, failure));
  private readonly targets = new TargetClaims();
  private readonly dataDir: string;

  constructor({ dataDir = 'data', clock = systemClock, logger = createWarningLogger() }: SessionOptions) {
    this.dataDir = dataDir;
    this.clock = clock;
    this.logger = loggerInWordsOfOptions(logger);
  }

  createMemoryStream<S extends Schema>(schema: S, partitions: number): MemoryStream<S> {
    return new MemoryStream(schema, createMemoryLog({ clock: this.clock }), partitions);
  }

  async openSource(
    source: SourceSpec,
    query: { readonly name: string; readonly checkpointLocation: string | undefined },
  ): Promise<OpenSource> {
    const location = query.checkpointLocation ?? this.checkpointOf(query.name);
    switch (source.format) {
      case 'memory':
        return this.openMemory(source);
      case 'embedded':
      case 'kafka':
        return this.openTopic(source, query.name);
      case 'rate':
        return this.openRate(source, location);
      case 'file':
        return this.openFiles(source, location);
    }
  }

  async openCheckpoint({
    plan,
    logFormat,
    location,
    takeOver,
  }: Parameters<SessionHost['openCheckpoint']>[0]): ReturnType<SessionHost['openCheckpoint']> {
    const { openCheckpoint } = await import('../checkpoint/open/open.ts');
    return openCheckpoint({
      plan,
      logFormat,
      location: location ?? this.checkpointOf(plan.name),
      clock: this.clock,
      takeOver,
      onQueryChanged: (note) =>
        this.logger.warn({ operation: 'change-query', ...note }, 'going on with a query that was changed'),
    });
  }

  async createForeachSink(writer: ForeachWriter | ForeachWriter['process']): Promise<Sink> {
    const { createForeachSink } = await import('../sinks/foreach.ts');
    return createForeachSink(writer);
  }

  claimTargets(sinks: readonly SinkSpec[], plan: QueryPlan, opened: OpenSource): () => void {
    return this.targets.claim(targetsOf(sinks, plan, opened.topic), plan.name);
  }

  createSink(sink: SinkSpec, plan: QueryPlan, opened: OpenSource): Promise<Sink> {
    return createStreamSink(sink, plan, opened);
  }

  private checkpointOf(queryName: string): string {
    return join(this.dataDir, 'checkpoints', queryName);
  }

  private openMemory({ log }: SourceSpec): OpenSource {
    if (log === undefined) {
      throw new TallystreamError('USAGE', {
        what: "format('memory') has no stream.",
        hint: "Make one with session.memoryStream(schema), and pass it: format('memory', stream).",
      });
    }
    // The stream is the program's, and outlives the query.
    return source(log as Log, MEMORY_TOPIC, 1, () => Promise.resolve());
  }

  private async openTopic({ format, options }: SourceSpec, queryName: string): Promise<OpenSource> {
    const {
      subscribe: topic,
      partitions,
      kafka,
    } = readTopicOptions(format === 'kafka' ? format : 'embedded', options);
    if (topic === undefined) {
      throw new TallystreamError('USAGE', {
        what: `format('${format}') needs a topic.`,
        hint: "Call option('subscribe', '…').",
      });
    }
    const log =
      format === 'kafka'
        ? await openKafka(withAbsoluteFiles(kafka, process.cwd()), queryName, this.clock)
        : await openEmbedded(resolve(this.dataDir), this.clock);
    return source(log, topic, partitions, () => log.close());
  }

  /**
   * The start of a rate stream is stored in the checkpoint, in the id of its topic. Rows up to the latest clock of a
   * plan are there also if the machine's clock was set back since.
   */
  private async openRate({ options }: SourceSpec, location: string): Promise<OpenSource> {
    const { createRateLog, parseRateTopicId } = await import('../log/rate/log.ts');
    const { rowsPerSecond, rampUpTime: rampUpMs, numPartitions } = readRateOptions(options);
    const planned = await this.plannedAt(location);
    const started = planned === undefined ? undefined : parseRateTopicId(planned.topicId);
    const log = createRateLog({
      rowsPerSecond,
      rampUpMs,
      numPartitions,
      clock: this.clock,
      startMs: started?.startMs ?? this.clock.nowMs(),
      reachedMs: planned?.clockMs ?? 0,
    });
    return source(log, 'rate', 1, () => log.close());
  }

  private async openFiles({ options }: SourceSpec, location: string): Promise<OpenSource> {
    const { openFileLog } = await import('../log/file/log.ts');
    const { parseFileOptions } = await import('../log/file/options.ts');
    const indexFolder = join(location, 'source');
    const log = await openFileLog({ ...parseFileOptions(options), clock: this.clock, indexFolder });
    return source(log, 'files', 1, () => log.close());
  }

  /** The topic's id and the latest clock of a plan; undefined before the first. */
  private async plannedAt(location: string): Promise<Planned | undefined> {
    const { openCheckpointView } = await import('../checkpoint/view.ts');
    let view: CheckpointView;
    try {
      view = openCheckpointView({ location });
    } catch (error) {
      if (error instanceof TallystreamError && error.code === 'CHECKPOINT_NOT_FOUND') return undefined;
      throw error;
    }
    try {
      return view.atOneCommit(() => {
        const [topicId, clockMs] = [view.topicId(), view.latestClockMs()];
        return topicId === undefined || clockMs === undefined ? undefined : { topicId, clockMs };
      });
    } finally {
      view.close();
    }
  }
}

interface Planned {
  readonly topicId: string;
  readonly clockMs: number;
}

function source(log: Log, topic: string, partitions: number, close: () => Promise<void>): OpenSource {
  return { log, topic, newTopic: { partitions }, close };
}
