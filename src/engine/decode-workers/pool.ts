/**
 * Threads that prepare chunks beside the one that keeps the state. Chunks go out and come back in the order of the plan,
 * so that the results are the same with any number of threads; a chunk that none has begun when it is wanted is prepared
 * by the one that wants it.
 */
import module from 'node:module';
import { dirname } from 'node:path';
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import type { ColumnBatch } from '../../columns/column-chunk.ts';
import type { Problem } from '../../columns/decode/problem.ts';
import type { RecordChunk } from '../../contracts/log.ts';
import { InvariantError } from '../../errors.ts';
import type { QueryPlan } from '../../plan/query-plan.ts';
import type { RowPreparer } from './row-preparer.ts';
import {
  CLAIM,
  CLAIM_AT,
  claim,
  MESSAGE_AT,
  phaseOf,
  shapeOf,
  slotBytes,
  SlotViews,
  type SlotShape,
  type SlotTask,
} from './shared-chunk.ts';
import { exchangedColumns, type Mirrors, type SlotMessage, SlotReader, SlotWriter } from './exchange.ts';
import type { WorkerSetup } from './worker.ts';
import { WORKER_FILE } from './workers.ts';

/** Chunks in progress: two a thread keep each busy while the one before its next is taken. */
const SLOTS_PER_THREAD = 2;
/** Memory of a slot grows in steps of this, so that chunks of about one size seldom make it again. */
const SLOT_STEP_BYTES = 256 * 1024;
/** Task numbers wrap around here, far above how many are ever in progress. */
const TASK_NUMBERS = 2 ** 30;
/** Young objects of a worker are few: its work is in vectors. */
const YOUNG_GENERATION_MB = 4;

const NO_PROBLEMS: ReadonlyMap<number, Problem> = new Map();

interface Thread {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly rung: Int32Array;
  readonly reader: SlotReader;
  underWay: number;
}

/** A chunk in progress. */
export interface Slot {
  readonly range: number;
  /** A copy; its keys and headers are its own. */
  readonly chunk: RecordChunk;
  readonly views: SlotViews;
  readonly clockMs: number;
  /** By row; known when the chunk was taken. */
  problems: ReadonlyMap<number, Problem>;
}

interface Waiting extends Slot {
  readonly task: SlotTask;
  readonly thread: Thread;
  /** Set where this thread prepared it. */
  own: Results | undefined;
}

/** What of a prepared slot lies outside its memory. */
interface Results {
  readonly message: SlotMessage | undefined;
  readonly reader: SlotReader;
  readonly mirrors: Mirrors;
}

export class PreparationPool {
  private readonly batch: ColumnBatch;
  private readonly shape: SlotShape;
  private readonly exchanged: readonly number[];
  private readonly threads: readonly Thread[];
  private readonly ownWriter: SlotWriter;
  private readonly ownReader: SlotReader;
  private readonly free: SharedArrayBuffer[] = [];
  private readonly queue: Waiting[] = [];
  private tasks = 0;
  private failure: Error | undefined;
  private readonly failed = Promise.withResolvers<void>();

  /** Results come into the columns of `batch`; `beside` prepares what this thread takes on itself. */
  constructor(
    query: QueryPlan,
    hashKey: Uint8Array,
    threads: number,
    batch: ColumnBatch,
    beside: RowPreparer,
  ) {
    this.batch = batch;
    this.exchanged = exchangedColumns(query, batch);
    this.shape = shapeOf(this.exchanged.flatMap((index) => batch.columns[index] ?? []));
    this.ownWriter = new SlotWriter(beside, this.exchanged);
    this.ownReader = this.newReader();
    this.threads = Array.from({ length: threads }, () => this.start(query, hashKey));
  }

  /** Whether no further chunk can be given out before one is taken. */
  get isFull(): boolean {
    return this.queue.length >= (this.threads.length + 1) * SLOTS_PER_THREAD;
  }

  get isEmpty(): boolean {
    return this.queue.length === 0;
  }

  /** Whether the chunk that is next can be taken at once. */
  get isNextDone(): boolean {
    const [next] = this.queue;
    return next !== undefined && isDone(next);
  }

  /** Gives a chunk without headers out; it is copied. */
  give(range: number, chunk: RecordChunk, clockMs: number): void {
    const thread = this.threads.reduce((least, each) => (each.underWay < least.underWay ? each : least));
    const size = { rows: chunk.count, chunkBytes: chunk.bytes.length, chunkPhase: phaseOf(chunk.bytes) };
    const memory = this.memoryFor(slotBytes(this.shape, size.rows, size.chunkBytes));
    const views = new SlotViews(memory, this.shape, size);
    views.timestampsMs.set(chunk.timestampsMs);
    views.valueStart.set(chunk.valueStart);
    views.valueEnd.set(chunk.valueEnd);
    views.bytes.set(chunk.bytes);
    this.tasks = (this.tasks % TASK_NUMBERS) + 1;
    const task = { ...size, number: this.tasks, memory, clockMs };
    Atomics.store(views.flags, CLAIM_AT, task.number);
    this.queue.push({
      range,
      chunk: {
        ...chunk,
        bytes: views.bytes,
        timestampsMs: views.timestampsMs,
        valueStart: views.valueStart,
        valueEnd: views.valueEnd,
        keyStart: chunk.keyStart.slice(),
        keyEnd: chunk.keyEnd.slice(),
        offsets: chunk.offsets.slice(),
      },
      views,
      clockMs,
      problems: NO_PROBLEMS,
      task,
      thread,
      own: undefined,
    });
    thread.underWay += 1;
    thread.port.postMessage(task satisfies SlotTask);
    Atomics.add(thread.rung, 0, 1);
    Atomics.notify(thread.rung, 0);
  }

  /** The next chunk, when it is prepared. Its results are in the batch and in its views until `release`. */
  async take(): Promise<Slot> {
    const [next] = this.queue;
    if (next === undefined) throw new InvariantError('no chunk is being prepared');
    while (!isDone(next)) {
      if (this.failure !== undefined) throw this.failure;
      // The next one first, while its thread has not come to it; then from the end, which its thread comes to last.
      if (this.prepareHere(next) || this.queue.toReversed().some((each) => this.prepareHere(each))) continue;
      await this.untilDone(next);
    }
    this.queue.shift();
    next.thread.underWay -= 1;
    const { message, reader, mirrors } = next.own ?? this.resultsOf(next);
    reader.take(next.views, message, mirrors);
    if (message?.problems !== undefined) next.problems = new Map(message.problems);
    return next;
  }

  /** A taken chunk is used no more. */
  release(slot: Slot): void {
    this.free.push((slot as Waiting).task.memory);
  }

  /** Lets what is in progress end, and forgets it. */
  async discard(): Promise<void> {
    while (!this.isEmpty && this.failure === undefined) this.release(await this.take());
    this.queue.length = 0;
  }

  /** While chunks are in progress the process must not end for want of anything to wait for. */
  hold(): void {
    for (const { worker } of this.threads) worker.ref();
  }

  letGo(): void {
    for (const { worker } of this.threads) worker.unref();
  }

  forgetCodes(): void {
    this.ownReader.forgetCodes();
    for (const { reader } of this.threads) reader.forgetCodes();
  }

  async close(): Promise<void> {
    await Promise.all(
      this.threads.map(({ worker, port }) => {
        port.close();
        worker.removeAllListeners();
        return worker.terminate();
      }),
    );
  }

  private start(query: QueryPlan, hashKey: Uint8Array): Thread {
    const { port1, port2 } = new MessageChannel();
    const bell = new SharedArrayBuffer(4);
    const worker = new Worker(new URL(WORKER_FILE), {
      workerData: { query, hashKey, port: port2, bell } satisfies WorkerSetup,
      transferList: [port2],
      env: withCompileCache(process.env),
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    worker.on('error', (error) => this.fail(error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', (code) => this.fail(new Error(`it exited with code ${code}`)));
    worker.unref();
    port1.unref();
    return { worker, port: port1, rung: new Int32Array(bell), reader: this.newReader(), underWay: 0 };
  }

  private newReader(): SlotReader {
    return new SlotReader(this.batch, this.exchanged);
  }

  private fail(cause: Error): void {
    this.failure ??= new InvariantError(`a decode worker thread failed: ${cause.message}`, {
      cause,
    });
    this.failed.resolve();
  }

  private memoryFor(bytes: number): SharedArrayBuffer {
    const free = this.free.pop();
    if (free !== undefined && free.byteLength >= bytes) return free;
    return new SharedArrayBuffer(Math.ceil(bytes / SLOT_STEP_BYTES) * SLOT_STEP_BYTES);
  }

  /** Prepares a chunk that no thread has begun; false if one has. */
  private prepareHere(slot: Waiting): boolean {
    if (!claim(slot.views, slot.task)) return false;
    const reader = this.ownReader;
    const message = this.ownWriter.prepare(slot.views, slot.task.clockMs);
    // Learnt now: of this thread's slots a later one may be prepared before an earlier one.
    slot.own = { message, reader, mirrors: reader.learn(message) };
    Atomics.store(slot.views.flags, CLAIM_AT, CLAIM.done);
    return true;
  }

  /** Of a slot that a worker prepared: each prepares its own in the order in which they are taken. */
  private resultsOf({ views, thread: { port, reader } }: Waiting): Results {
    const message = views.flags[MESSAGE_AT] === 0 ? undefined : messageFrom(port);
    return { message, reader, mirrors: reader.learn(message) };
  }

  private async untilDone({ views }: Slot): Promise<void> {
    const wait = Atomics.waitAsync(views.flags, CLAIM_AT, CLAIM.claimed);
    if (wait.async) await Promise.race([wait.value, this.failed.promise]);
  }
}

/** A thread looks for compiled modules where this one does, but only by this variable; without, it compiles them again. */
function withCompileCache(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const folder = module.getCompileCacheDir();
  // The last part of the folder is the version's own, which Node adds.
  return folder === undefined ? env : { ...env, NODE_COMPILE_CACHE: dirname(folder) };
}

function messageFrom(port: MessagePort): SlotMessage {
  const received = receiveMessageOnPort(port);
  if (received === undefined) throw new InvariantError('a worker announced a message that did not arrive');
  return received.message as SlotMessage;
}

function isDone({ views }: Slot): boolean {
  return Atomics.load(views.flags, CLAIM_AT) === CLAIM.done;
}
