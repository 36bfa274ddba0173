/** How a query writes: Structured Streaming's `DataStreamWriter`. Nothing runs until `start`. */
import { randomUUID } from 'node:crypto';
import type { Schema } from '../columns/schema/schema.ts';
import type { DeadLetter } from '../contracts/batch.ts';
import type { BatchResult } from '../contracts/batch-result.ts';
import { withOnceCalls } from '../contracts/once-calls.ts';
import type { BatchIdentity, ForeachWriter, Sink } from '../contracts/sink.ts';
import { deadLetterPolicy } from '../engine/dead-letters/policy.ts';
import { stateMemoryOf } from '../engine/state-memory.ts';
import { trigger as triggers, type Trigger } from '../engine/trigger.ts';
import { availableWorkers } from '../engine/decode-workers/workers.ts';
import { TallystreamError } from '../errors.ts';
import { textsOf, type GivenOptions } from '../options/option.ts';
import type { QueryOptions } from '../options/query-options.ts';
import { readSinkOptions, type SinkFormat, type SinkOptions } from '../options/sink-options.ts';
import type { OutputMode, QueryPlan } from '../plan/query-plan.ts';
import { explainPlan } from './explain.ts';
import { Frame } from './frame/frame.ts';
import { HandlerScope } from './handler-scope.ts';
import { errorInWordsOfOptions } from './option-words.ts';
import { planOf, type Outputs } from './plan-of.ts';
import { StreamingQuery } from './query.ts';
import type { OpenSource, SinkSpec, StreamHost } from './stream-host.ts';
import { settingsOfSource } from './source-settings.ts';
import { readSettings, type StreamSettings } from './settings.ts';
import { checkedOutputMode, checkedQueryName, triggerOf } from './writer-checks.ts';

interface Settings {
  readonly name: string | undefined;
  readonly outputMode: OutputMode;
  readonly trigger: Trigger;
  readonly batchesMax: number;
  readonly options: GivenOptions;
  readonly sinks: readonly SinkSpec[];
  readonly handlers: readonly Handler[];
  readonly writers: readonly (ForeachWriter | ForeachWriter['process'])[];
}

type Handler = (result: BatchResult, identity: BatchIdentity) => Promise<void>;

/** `(queryId, batchId)` names a batch for ever, and `epoch` the runner that carries it out. */
export interface BatchInfo extends BatchIdentity {
  /**
   * The side output: the late and invalid events of the batch with their bytes, in order of partition and offset. A late
   * one says by how much it is late, and which windows it missed. They are kept in the checkpoint too.
   */
  readonly deadLetters: () => Iterable<DeadLetter>;
}

const AT_FIRST: Settings = {
  name: undefined,
  outputMode: 'append',
  trigger: triggers.processingTime(0),
  batchesMax: Infinity,
  options: {},
  sinks: [],
  handlers: [],
  writers: [],
};

/** What both writers share; `Self` is the one that a call gives back. */
abstract class Writer {
  protected readonly host: StreamHost;
  protected readonly outputs: Outputs;
  protected readonly settings: Settings;

  constructor(host: StreamHost, outputs: Outputs, settings: Settings = AT_FIRST) {
    this.host = host;
    this.outputs = outputs;
    this.settings = settings;
  }

  protected abstract with(settings: Partial<Settings>): this;

  /** Names the query, and the folder of its checkpoint if no location is given. @throws USAGE */
  queryName(name: string): this {
    return this.with({ name: checkedQueryName(name) });
  }

  /** append (as at first), update or complete. @throws USAGE */
  outputMode(outputMode: OutputMode): this {
    return this.with({ outputMode: checkedOutputMode(outputMode) });
  }

  /**
   * `{ processingTime: '10 seconds' }`, `{ availableNow: true }` or `{ once: true }`; without, as fast as possible.
   * @throws USAGE
   */
  trigger(
    trigger: { readonly processingTime: string } | { readonly availableNow: true } | { readonly once: true },
  ): this {
    return this.with(triggerOf(trigger));
  }

  /**
   * `checkpointLocation`, `timeZone`, `maxOffsetsPerTrigger` and the others of docs/api/options.md.
   * @throws USAGE for one that there is not, or a value that it cannot have
   */
  option<Name extends keyof QueryOptions>(name: Name, value: Required<QueryOptions>[Name]): this {
    const options = { ...this.settings.options, [name]: String(value) };
    readSettings(options);
    return this.with({ options });
  }

  /**
   * A sink by its format; call it again for another. docs/api/options.md has the options.
   * @throws USAGE for a format or an option that there is not, or a value that it cannot have
   */
  format<Format extends SinkFormat>(format: Format, options?: SinkOptions[Format]): this {
    const given = textsOf(options ?? {});
    readSinkOptions(format, given);
    return this.with({ sinks: [...this.settings.sinks, { format, options: given }] });
  }

  /** Each row to a function or a ForeachWriter, at least once. */
  foreach(writer: ForeachWriter | ForeachWriter['process']): this {
    return this.with({ writers: [...this.settings.writers, writer] });
  }

  /** A readable tree of the plan. @throws USAGE */
  explain(): string {
    return explainPlan(
      planOf(this.outputs, this.planSettings('query', readSettings(this.settings.options), '…')),
    );
  }

  /**
   * Starts the query; it runs until it is stopped, or its trigger says that it is done.
   * @throws USAGE, and what opening the source, the checkpoint and the sinks throws
   */
  async start(): Promise<StreamingQuery> {
    try {
      return await this.startNamed();
    } catch (error) {
      throw errorInWordsOfOptions(error);
    }
  }

  private async startNamed(): Promise<StreamingQuery> {
    const { host, settings } = this;
    const { source } = this.outputs.parts;
    const name = settings.name ?? `query-${randomUUID()}`;
    const own = readSettings({ ...settingsOfSource(source), ...settings.options });
    if (settings.name === undefined && own.checkpointLocation === undefined) throw unnamed();
    host.queries.reserve(name);
    let opened: OpenSource | undefined;
    try {
      opened = await host.openSource(source, { name, checkpointLocation: own.checkpointLocation });
      const plan = planOf(this.outputs, this.planSettings(name, own, opened.topic));
      const release = host.claimTargets(settings.sinks, plan, opened);
      try {
        return await this.startOn(plan, own, opened, release);
      } catch (error) {
        release();
        throw error;
      }
    } catch (error) {
      host.queries.release(name);
      await opened?.close();
      throw error;
    }
  }

  private async startOn(
    plan: QueryPlan,
    own: StreamSettings,
    source: OpenSource,
    releaseTargets: () => void,
  ): Promise<StreamingQuery> {
    const { host, settings } = this;
    const checkpoint = await host.openCheckpoint({
      plan,
      logFormat: source.log.format,
      location: own.checkpointLocation,
      takeOver: own.takeOver,
    });
    try {
      const handlers = new HandlerScope();
      const inScope = (sink: Sink): Sink => ({
        ...sink,
        write: (result, identity) => handlers.run(() => sink.write(result, identity)),
      });
      const sinks = settings.handlers.map((handle) => inScope({ name: 'foreachBatch', write: handle }));
      for (const writer of settings.writers) sinks.push(inScope(await host.createForeachSink(writer)));
      for (const sink of settings.sinks) sinks.push(await host.createSink(sink, plan, source));
      const query = new StreamingQuery(
        {
          query: plan,
          runId: randomUUID(),
          log: source.log,
          newTopic: source.newTopic,
          checkpoint,
          clock: host.clock,
          logger: host.logger.child({ component: 'query' }),
          trigger: settings.trigger,
          offsetsMax: own.maxOffsetsPerTrigger,
          workers: availableWorkers(own.workers, host.logger),
          stateMemory: stateMemoryOf(own.stateBytesMax),
          batchesMax: settings.batchesMax,
          deadLetters: deadLetterPolicy({
            bytesMax: own.deadLetterBytesMax,
            whenFull: own.deadLettersWhenFull,
          }),
          failOnDataLoss: own.failOnDataLoss,
          clockSkewMaxMs: own.clockSkewMaxMs,
          sinks,
          buildReport: () => null,
          printer: { print: () => Promise.resolve() },
        },
        (progress) => host.queries.progressed(progress),
        async () => {
          releaseTargets();
          checkpoint.close();
          await source.close();
        },
        (failure) => errorInWordsOfOptions(failure) as Error,
        handlers,
      );
      host.queries.register(query);
      return query;
    } catch (error) {
      checkpoint.close();
      throw error;
    }
  }

  private planSettings(name: string, own: StreamSettings, topic: string) {
    const { timeZone, idleTimeoutMs, valueBytesMax, assumeTimeZone } = own;
    return {
      name,
      topic,
      outputMode: this.settings.outputMode,
      timeZone,
      idleTimeoutMs,
      valueBytesMax,
      assumeTimeZone,
    };
  }
}

/** Of a query with one output. */
export class StreamWriter<S extends Schema> extends Writer {
  protected override with(settings: Partial<Settings>): this {
    return new StreamWriter<S>(this.host, this.outputs, { ...this.settings, ...settings }) as this;
  }

  /**
   * Called once for every batch, also where it emits no row, and again with the same rows and the same id where a crash came
   * before its commit: at least once. `onceInSqlite` and `onceInPostgres` make it once.
   */
  foreachBatch(handle: (batch: Frame<S>, batchId: number, info: BatchInfo) => void | Promise<void>): this {
    const handler: Handler = async (result, identity) => {
      const [output] = result.outputs();
      if (output === undefined) return;
      await handle(
        new Frame(output.table) as unknown as Frame<S>,
        identity.batchId,
        infoOf(result, identity),
      );
    };
    return this.with({ handlers: [...this.settings.handlers, handler] });
  }
}

/** Of a query with several outputs, by name. */
export class TablesWriter<Schemas extends Readonly<Record<string, Schema>>> extends Writer {
  protected override with(settings: Partial<Settings>): this {
    return new TablesWriter<Schemas>(this.host, this.outputs, { ...this.settings, ...settings }) as this;
  }

  /** As that of a query with one output, with a batch for each output. */
  foreachBatch(
    handle: (
      batches: { readonly [Name in keyof Schemas]: Frame<Schemas[Name]> },
      batchId: number,
      info: BatchInfo,
    ) => void | Promise<void>,
  ): this {
    const handler: Handler = async (result, identity) => {
      const frames = Object.fromEntries(result.outputs().map(({ name, table }) => [name, new Frame(table)]));
      await handle(
        frames as unknown as { readonly [Name in keyof Schemas]: Frame<Schemas[Name]> },
        identity.batchId,
        infoOf(result, identity),
      );
    };
    return this.with({ handlers: [...this.settings.handlers, handler] });
  }
}

function infoOf(result: BatchResult, identity: BatchIdentity): BatchInfo {
  return withOnceCalls({ ...identity, deadLetters: () => result.deadLetters() });
}

function unnamed(): TallystreamError {
  return new TallystreamError('USAGE', {
    what: 'The query has no name and no checkpointLocation.',
    why: 'Without one of them it would begin anew at every start.',
    hint: "Call queryName('…'), or option('checkpointLocation', '…').",
  });
}
