/**
 * The clock of plans: the wall clock, and by how much it jumped. A jump is found by comparing the wall clock with monotonic
 * time, so that setting the clock neither makes a partition idle nor keeps it from becoming idle.
 */
import type { Clock } from '../../contracts/clock.ts';

/** Time services slew a clock by less than this between two looks; a larger difference is a jump. */
const JUMP_MS_MIN = 1_000;

export interface ClockReading {
  /** The wall clock, epoch milliseconds. */
  readonly nowMs: number;
  /** By how much the wall clock jumped since the last plan, beyond the time that passed; negative if it was set back. */
  readonly shiftMs: number;
  /** The part of it that this reading found; 0 if the clock did not jump since the reading before. */
  readonly jumpMs: number;
}

export class PlanClock {
  private readonly clock: Clock;
  private anchor: { readonly wallMs: number; readonly monotonicMs: number };
  private shiftMs: number;
  /** Of a jump before the first reading. */
  private jumpedBeforeMs: number;

  /**
   * `previousClockMs` is the clock of the last plan, which another process may have made; undefined before the first. Two
   * processes share no monotonic clock, so the time between two runs is that of the wall clock, and none if the clock is
   * behind the last plan.
   */
  constructor(clock: Clock, previousClockMs: number | undefined) {
    this.clock = clock;
    this.anchor = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    this.shiftMs = Math.min(0, this.anchor.wallMs - (previousClockMs ?? -Infinity));
    this.jumpedBeforeMs = this.shiftMs;
  }

  /** Called at every look at the log. */
  read(): ClockReading {
    const { anchor } = this;
    const wallMs = this.clock.nowMs();
    const monotonicMs = this.clock.monotonicMs();
    const differenceMs = Math.round(wallMs - anchor.wallMs - (monotonicMs - anchor.monotonicMs));
    const jumpMs = Math.abs(differenceMs) < JUMP_MS_MIN ? 0 : differenceMs;
    // The anchor stays as long as there is no jump, so that many small differences are found when they add up to one.
    if (jumpMs !== 0) this.anchor = { wallMs, monotonicMs };
    this.shiftMs += jumpMs;
    const foundMs = this.jumpedBeforeMs + jumpMs;
    this.jumpedBeforeMs = 0;
    return { nowMs: wallMs, shiftMs: this.shiftMs, jumpMs: foundMs };
  }

  /** The last reading is in a plan: the next shift counts from there. */
  planned(): void {
    this.shiftMs = 0;
  }
}
