import type { Clock } from '../contracts/clock.ts';
import type { Batch } from './batch.ts';

export interface BatchLimits {
  readonly batchRecordsMax: number;
  /** A batch is full with the record that reaches this; one larger record makes a batch of its own. */
  readonly batchBytesMax: number;
  /**
   * How long a batch that is not full waits for more at most, from its first record on. Up to {@link EAGER_LINGER_MS} it
   * waits only while the log is busy with others: then it would have to share the log with them, and one larger batch is
   * less work. A longer linger is waited out: it is set for the sake of larger batches.
   */
  readonly lingerMs: number;
}

/** The linger that is set by default; milliseconds. */
export const EAGER_LINGER_MS = 5;

/**
 * The open batch, between the one who fills it and the one who sends it. It holds at most one batch, so the producer
 * has one in memory in addition to those being sent. A full one makes the filler wait.
 */
export interface Batcher<B extends Batch> {
  /** What still fits, as soon as something does; undefined once the batcher has ended. */
  room(): Promise<{ readonly records: number; readonly bytes: number } | undefined>;
  /** Puts records into the open batch: at least one, and no more than there was room for. */
  add(put: (open: B) => void): void;
  /** Nothing more will be added. What is there can still be taken. */
  end(): void;
  /** The next batch: when it is full, need not wait, has lingered, or is the last. Undefined after the last. */
  take(): Promise<B | undefined>;
  /** The log has ended what it was busy with. */
  idle(): void;
  /** Records that were added and not taken. */
  readonly waiting: number;
}

export function createBatcher<B extends Batch>(
  clock: Clock,
  limits: BatchLimits,
  newBatch: () => B,
  isLogBusy: () => boolean,
): Batcher<B> {
  const { batchRecordsMax, batchBytesMax, lingerMs } = limits;
  const changed = createBell();
  let open = newBatch();
  let openedAtMs = 0;
  let ended = false;
  let lingering: AbortController | undefined;

  const isFull = (): boolean => open.count >= batchRecordsMax || open.bytes >= batchBytesMax;

  const needNotWait = (): boolean => lingerMs <= EAGER_LINGER_MS && !isLogBusy();

  const linger = async (): Promise<void> => {
    const leftMs = openedAtMs + lingerMs - clock.monotonicMs();
    if (ended || isFull() || needNotWait() || leftMs <= 0) return;
    lingering = new AbortController();
    await clock.sleep(leftMs, lingering.signal);
    lingering = undefined;
  };

  return {
    get waiting() {
      return open.count;
    },
    async room() {
      while (!ended && isFull()) await changed.rung();
      return ended ? undefined : { records: batchRecordsMax - open.count, bytes: batchBytesMax - open.bytes };
    },
    add(put) {
      if (open.count === 0) openedAtMs = clock.monotonicMs();
      put(open);
      // A reason given is one that need not be made: an error with its stack, for every full batch.
      if (isFull()) lingering?.abort('full');
      changed.ring();
    },
    idle() {
      if (needNotWait()) lingering?.abort('idle');
    },
    end() {
      ended = true;
      lingering?.abort();
      changed.ring();
    },
    async take() {
      while (!ended && open.count === 0) await changed.rung();
      await linger();
      if (open.count === 0) return undefined;
      const batch = open;
      open = newBatch();
      changed.ring();
      return batch;
    },
  };
}

/** Wakes everybody who waits for the next ring. */
function createBell(): { rung(): Promise<void>; ring(): void } {
  let next = Promise.withResolvers<undefined>();
  return {
    rung: () => next.promise,
    ring() {
      next.resolve(undefined);
      next = Promise.withResolvers<undefined>();
    },
  };
}
