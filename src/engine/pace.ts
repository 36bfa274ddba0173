/** Waits until the next batch is due: on the trigger's grid, or as soon as the log has something. */
import type { Clock } from '../contracts/clock.ts';
import type { Source } from './source.ts';
import type { Trigger } from './trigger.ts';

/** While nothing comes in, a query as fast as possible still looks up this often, for new partitions and a stop. */
const LOOK_UP_MS = 1000;

/** Lets someone end a wait early; an abort of the loop's own signal ends it too. */
export class Nudge {
  private controller = new AbortController();

  wake(): void {
    this.controller.abort();
  }

  /** A signal that aborts at the next `wake`, or when `stop` aborts. */
  signal(stop: AbortSignal): AbortSignal {
    if (this.controller.signal.aborted) this.controller = new AbortController();
    return AbortSignal.any([stop, this.controller.signal]);
  }
}

/** When the batch after one that started at `startedMs` is due, on the clock's monotonic time. */
function nextDueMs(trigger: Trigger, startedMs: number): number {
  return trigger.kind === 'processingTime' ? startedMs + trigger.intervalMs : startedMs;
}

/** Whether it was a wait for records that some have ended. */
export async function waitUntilDue(options: {
  readonly trigger: Trigger;
  readonly startedMs: number;
  readonly foundNothing: boolean;
  readonly source: Pick<Source, 'waitForRecords'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<boolean> {
  const waitMs = nextDueMs(options.trigger, options.startedMs) - options.clock.monotonicMs();
  if (waitMs > 0) await options.clock.sleep(waitMs, options.signal);
  else if (options.foundNothing) return options.source.waitForRecords(LOOK_UP_MS, options.signal);
  return false;
}
