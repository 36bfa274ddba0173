/** Runs the actions of a script on a query that it starts, ends and starts again. */
import type { Schema } from '../columns/schema/schema.ts';
import type { RowOf } from '../columns/rows.ts';
import type { Accounting } from '../contracts/batch.ts';
import { TallystreamError } from '../errors.ts';
import type { StreamingQuery } from '../stream/query.ts';
import type { StreamingQueryListener } from '../stream/query-manager.ts';
import type { Action, CrashPoint } from './actions.ts';
import { Answers } from './answers.ts';
import { StepFailure, type SeenBatch } from './stream-test-error.ts';
import type { SelectingOptions, TestedStream, TestStreamOptions } from './tested-stream.ts';
import { comparable, linesText, missingFrom, textOf } from './value-text.ts';

const QUERY_NAME = 'tested';

/** So long that no batch runs by itself, while every action that asks for one gets it. */
const ON_DEMAND = { processingTime: '1000 weeks' } as const;

/** How often a turn is given to a query that is at work before it is called hung; the step's own limit comes first. */
const TURNS_MAX = 100_000;

/** The process ends here, as far as the query knows. */
class SimulatedCrash extends Error {
  constructor() {
    super('a crash of the script');
    this.name = 'SimulatedCrash';
  }
}

type Options<S extends Schema> = TestStreamOptions<S> & Partial<SelectingOptions<S, unknown>>;

export class ScriptRunner<S extends Schema> {
  private readonly stream: TestedStream<S>;
  private readonly options: Options<S>;
  private readonly answers: Answers;
  private readonly listener: StreamingQueryListener;
  private readonly endsByItself: boolean;
  /** Rows that are to come in together. */
  private pending: (() => Promise<void>)[] = [];
  private query: StreamingQuery | undefined;
  private state: 'to be started' | 'started' | 'ended' = 'to be started';
  private crashAt: CrashPoint | undefined;

  constructor(stream: TestedStream<S>, options: Options<S>) {
    this.stream = stream;
    this.options = options;
    this.answers = new Answers(options.outputMode === 'complete');
    this.listener = { onQueryProgress: (progress) => this.answers.committed(progress) };
    this.endsByItself = options.trigger !== undefined && !('processingTime' in options.trigger);
    options.session.streams.addListener(this.listener);
  }

  seen(): readonly SeenBatch[] {
    return this.answers.seen();
  }

  /** @throws whatever is wrong at this step */
  async carryOut(action: Action<unknown>, timeoutMs: number): Promise<void> {
    await within(timeoutMs, this.step(action));
  }

  /** Ends the query, however the script ended. */
  async close(timeoutMs: number): Promise<void> {
    this.options.session.streams.removeListener(this.listener);
    if (this.query?.isActive === true) await within(timeoutMs, this.query.stop());
  }

  private async step(action: Action<unknown>): Promise<void> {
    switch (action.kind) {
      case 'add':
        this.pending.push(action.append);
        return;
      case 'processAllAvailable':
        return this.process();
      case 'check':
        await this.process();
        checkRows(action.rows, this.answers.check(action.scope), action.inOrder);
        return;
      case 'checkAccounting':
        await this.process();
        checkAccounting(action.expected, this.answers.accounting());
        return;
      case 'crash':
        return this.crash(action.at);
      case 'restart':
        if (this.query?.isActive === true) {
          throw new StepFailure('The query is running: stop() or crash() comes before restart().');
        }
        this.state = 'to be started';
        return;
      case 'stop':
        await (await this.running()).stop();
        this.state = 'ended';
        return;
      case 'advanceClock':
        return this.advanceClock(action.durationMs);
      case 'assertOnQuery':
        await this.assert(action.assertion);
        return;
      case 'expectFailure':
        return this.expectFailure(action.expected);
    }
  }

  /** Brings in what is to come in, and gives the running query. */
  private async running(): Promise<StreamingQuery> {
    if (this.state === 'ended') {
      throw new StepFailure('The query has ended: restart() comes before this step.');
    }
    const appends = this.pending;
    this.pending = [];
    await Promise.all(appends.map((append) => append()));
    return this.state === 'started' && this.query !== undefined ? this.query : this.start();
  }

  private async start(): Promise<StreamingQuery> {
    const { outputMode = 'append', trigger, configure = (writer) => writer } = this.options;
    const select: (row: RowOf<S>) => unknown = this.options.select ?? ((row) => row);
    const writer = this.stream.writeStream
      .queryName(QUERY_NAME)
      .outputMode(outputMode)
      .trigger(trigger ?? ON_DEMAND)
      .foreachBatch(() => this.crashIf('before the sink'));
    // What the program configures is between the two, so that a crash after it has seen the batch is possible.
    const configured = configure(writer).foreachBatch((batch, batchId) => {
      this.answers.take(
        batchId,
        batch.toRows().map((row) => select(row)),
      );
      this.crashIf('before the commit');
    });
    this.state = 'ended';
    this.query = undefined;
    const query = await configured.start();
    this.query = query;
    this.state = 'started';
    return query;
  }

  private crashIf(at: CrashPoint): void {
    if (this.crashAt === at) throw new SimulatedCrash();
  }

  /** A query that has ended has done all that it will do; what the script has seen of it can still be checked. */
  private async process(): Promise<void> {
    if (this.state === 'ended' && this.pending.length === 0) return;
    const query = await this.running();
    try {
      if (this.endsByItself) await query.awaitTermination();
      else await query.processAllAvailable();
    } finally {
      if (!query.isActive) this.state = 'ended';
    }
  }

  private async crash(at: CrashPoint): Promise<void> {
    this.crashAt = at;
    try {
      await this.process();
      await this.query?.stop();
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error;
    } finally {
      this.crashAt = undefined;
    }
    this.state = 'ended';
  }

  private async advanceClock(durationMs: number): Promise<void> {
    const { clock } = this.options.session;
    const query = this.state === 'ended' ? undefined : await this.running();
    // The first batch may be due at once.
    await settled(query, () => clock.sleepers > 0);
    await clock.advanceInSteps(durationMs);
    await settled(query, () => clock.sleepers > 0);
    if (query?.exception !== undefined) throw query.exception;
  }

  private async assert(assertion: (query: StreamingQuery) => unknown): Promise<void> {
    const isOver = this.state === 'ended' && this.query !== undefined && this.pending.length === 0;
    const query = isOver ? (this.query as StreamingQuery) : await this.running();
    if ((await assertion(query)) === false) throw new StepFailure('Expected true. Was: false.');
  }

  private async expectFailure(expected: string | RegExp): Promise<void> {
    const failure = await this.process().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) throw new StepFailure('Expected a failure. The query had none.');
    if (failure instanceof StepFailure) throw failure;
    this.state = 'ended';
    if (isFailure(failure, expected)) return;
    const code = failure instanceof TallystreamError ? `${failure.code}: ` : '';
    const text = failure instanceof Error ? failure.message : textOf(failure);
    throw new StepFailure(`Expected a failure ${String(expected)}. Was:\n  ${code}${text}`, {
      cause: failure,
    });
  }
}

function isFailure(found: unknown, expected: string | RegExp): boolean {
  if (typeof expected === 'string') return found instanceof TallystreamError && found.code === expected;
  return found instanceof Error && expected.test(found.message);
}

function checkRows(expected: readonly unknown[], found: readonly unknown[], inOrder: boolean): void {
  const missing = missingFrom(expected, found);
  const extra = missingFrom(found, expected);
  const isSame = inOrder ? comparable(expected) === comparable(found) : missing.length + extra.length === 0;
  if (isSame) return;
  const parts = [
    `Expected${inOrder ? ' in this order' : ''}:\n${linesText(expected, '  ')}`,
    `Was:\n${linesText(found, '  ')}`,
  ];
  if (missing.length > 0) parts.push(`Missing:\n${linesText(missing, '  ')}`);
  if (extra.length > 0) parts.push(`Not expected:\n${linesText(extra, '  ')}`);
  throw new StepFailure(parts.join('\n'));
}

function checkAccounting(expected: Partial<Accounting>, found: Accounting): void {
  const names = Object.keys(expected) as (keyof Accounting)[];
  if (names.every((name) => expected[name] === found[name])) return;
  throw new StepFailure(`Expected:\n  ${textOf(expected)}\nWas:\n  ${textOf(found)}`);
}

/** Waits until the query waits, or has ended. */
async function settled(query: StreamingQuery | undefined, isWaiting: () => boolean): Promise<void> {
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    if (query === undefined || !query.isActive) return;
    if (isWaiting() && !query.status.isTriggerActive) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StepFailure(`Took more than ${timeoutMs} ms.`)), timeoutMs);
  });
  try {
    await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
