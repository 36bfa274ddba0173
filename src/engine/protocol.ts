/**
 * The micro-batch protocol, as pure decisions: it does no I/O and reads no clock. The loop asks it what to do and acts.
 *
 * A batch has two entries, as in Spark Structured Streaming's offset and commit logs: the plan (which offsets, by
 * which clock and watermark) and the commit (all that came of it, in one transaction). With C the last commit and P
 * the last plan, P = C starts P + 1, P = C + 1 replays P, and anything else is a checkpoint no one should trust.
 */
import { invariant } from '../errors.ts';
import type { Accounting, BatchPlan, PartitionState, PlannedRange } from '../contracts/batch.ts';
import type { PartitionOffsets } from '../contracts/log.ts';
import { advanceWatermark } from '../operators/watermark.ts';

export type Recovery =
  | { readonly kind: 'start'; readonly batchId: number }
  | { readonly kind: 'replay'; readonly batchId: number }
  | { readonly kind: 'refuse'; readonly why: string };

/** What to do with a checkpoint whose last plan and last commit are these; undefined if there is none. */
export function recover(found: { planned: number | undefined; committed: number | undefined }): Recovery {
  const planned = found.planned ?? -1;
  const committed = found.committed ?? -1;
  if (planned === committed) return { kind: 'start', batchId: planned + 1 };
  if (planned === committed + 1) return { kind: 'replay', batchId: planned };
  const name = (batchId: number): string => (batchId < 0 ? 'none' : `batch ${batchId}`);
  return {
    kind: 'refuse',
    why: `the last plan is ${name(planned)}, but the last commit is ${name(committed)}`,
  };
}

export type SinkRecovery =
  /** The sink takes every batch from the next on. */
  | { readonly kind: 'write' }
  /** The sink holds the batch that is replayed: it is committed without being written again. */
  | { readonly kind: 'written'; readonly batchId: number }
  | { readonly kind: 'refuse'; readonly why: string };

/**
 * What a sink is due that says which batch it holds last (`held`; undefined if none). Only the batch that was planned
 * and not committed can have reached it before the checkpoint; one that holds more belongs to another past. One that
 * holds less was turned off for a while, and catches up by itself.
 */
export function recoverSink(found: {
  planned: number | undefined;
  committed: number | undefined;
  held: number | undefined;
}): SinkRecovery {
  const { planned = -1, committed = -1, held = -1 } = found;
  if (held <= committed) return { kind: 'write' };
  if (held === committed + 1 && held === planned) return { kind: 'written', batchId: held };
  const last = committed < 0 ? 'none' : `batch ${committed}`;
  return { kind: 'refuse', why: `it holds batch ${held}, but the checkpoint's last commit is ${last}` };
}

/** Offsets that were due to be read and are not in the log. */
export interface MissingOffsets {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

export type PlanDecision =
  /** `lagEvents` is what stays unread after this batch. */
  | { readonly kind: 'plan'; readonly plan: BatchPlan; readonly lagEvents: number }
  | { readonly kind: 'nothing new' }
  | { readonly kind: 'topic recreated'; readonly committedTopicId: string }
  /** Retention (or a hand) removed records that no commit has counted. */
  | { readonly kind: 'records removed'; readonly missing: readonly MissingOffsets[] }
  /** The log ends before what was committed: it was restored from an older copy, or is another one. */
  | { readonly kind: 'log went back'; readonly missing: readonly MissingOffsets[] };

export interface PlanInput {
  readonly batchId: number;
  /** The wall clock, epoch milliseconds. */
  readonly nowMs: number;
  /** By how much it jumped since the last plan, beyond the time that passed; 0 if left out. */
  readonly clockShiftMs?: number;
  readonly topicId: string;
  readonly offsets: readonly PartitionOffsets[];
  /** As of the last commit; empty before the first. */
  readonly partitions: readonly PartitionState[];
  /** The last plan, whose watermark never goes back; undefined before the first. */
  readonly previous: BatchPlan | undefined;
  readonly watermarkDelayMs: number | null;
  readonly idleTimeoutMs: number;
  /** About as many records as this are planned for one batch at most (one more a partition, by rounding). */
  readonly offsetsMax: number;
  /** Whether records that were removed unread end the query; without, it continues after them and the plan names them. */
  readonly failOnDataLoss: boolean;
  /** When the first window ends that is still to be emitted, epoch microseconds; Infinity if there is none. */
  readonly firstEndMicros: number;
}

/** Of a partition that is seen for the first time. */
const NOTHING_READ = { maxEventMicros: null, mark: null };

/** The next batch's plan, or why there is none. */
export function planBatch(input: PlanInput): PlanDecision {
  const { previous, nowMs: clockMs, clockShiftMs = 0 } = input;
  if (previous !== undefined && previous.topicId !== input.topicId) {
    return { kind: 'topic recreated', committedTopicId: previous.topicId };
  }
  const due = input.offsets.map((offsets) => unreadOf(offsets, input));
  const lost = missingWhere(input.offsets, due, (offsets, range) => [range.start, offsets.earliest]);
  if (lost.length > 0 && input.failOnDataLoss) return { kind: 'records removed', missing: lost };
  const unread = due.map((range, index) => afterLost(range, input.offsets[index] as PartitionOffsets));
  const wentBack = missingWhere(input.offsets, unread, (offsets, range) => [offsets.latest, range.start]);
  if (wentBack.length > 0) return { kind: 'log went back', missing: wentBack };
  const unreadEvents = offsetsIn(unread);
  // Without this, an offset that is not a number would plan empty batches without end.
  invariant(Number.isSafeInteger(unreadEvents), 'the log gave offsets that are not whole numbers');
  const seen = statesAt(input, clockMs, clockShiftMs);
  const idlePartitions = idleOf(seen, unread, clockMs, input);
  const watermarkMicros = advanceWatermark(
    previous?.watermarkMicros ?? null,
    seen,
    idlePartitions,
    input.watermarkDelayMs,
  );
  // Nothing new makes no batch, except to emit windows that closed.
  const closesWindow = watermarkMicros !== null && watermarkMicros >= input.firstEndMicros;
  if (unreadEvents === 0 && lost.length === 0 && !closesWindow) return { kind: 'nothing new' };
  const ranges = shareOut(unread, unreadEvents, input.offsetsMax);
  const plan: BatchPlan = {
    batchId: input.batchId,
    topicId: input.topicId,
    ranges,
    lost,
    clockMs,
    ...(clockShiftMs === 0 ? {} : { clockShiftMs }),
    watermarkMicros,
    idlePartitions,
    ...(previous?.lowered === undefined ? {} : { lowered: previous.lowered }),
  };
  return { kind: 'plan', plan, lagEvents: unreadEvents - offsetsIn(ranges) };
}

/** Whether every record that was read has exactly one verdict. Checked before each commit. */
export function isBalanced(accounting: Accounting): boolean {
  const { read, accepted, invalid, duplicate, late } = accounting;
  return read === accepted + invalid + duplicate + late;
}

/**
 * What is remembered of each partition after a batch: `progressed` has the partitions that the batch read, with their
 * new offset and largest accepted time; the others stay, and one seen for the first time starts its idleness here.
 */
export function partitionsAfter(
  plan: BatchPlan,
  before: readonly PartitionState[],
  offsets: readonly PartitionOffsets[],
  progressed: ReadonlyMap<number, Pick<PartitionState, 'nextOffset' | 'maxEventMicros' | 'mark'>>,
): PartitionState[] {
  const known = new Map(before.map((state) => [state.partition, shifted(state, plan.clockShiftMs)]));
  for (const { partition, earliest, unavailable } of offsets) {
    if (known.has(partition) || unavailable !== undefined) continue;
    const nextOffset = before.length === 0 ? earliest : 0;
    known.set(partition, { ...NOTHING_READ, partition, nextOffset, activeAtMs: plan.clockMs });
  }
  for (const [partition, { nextOffset, maxEventMicros, mark }] of progressed) {
    known.set(partition, { partition, nextOffset, maxEventMicros, activeAtMs: plan.clockMs, mark });
  }
  return [...known.values()].toSorted((a, b) => a.partition - b.partition);
}

/**
 * From the committed offset; without any commit from the earliest; in a partition that appeared later from 0. One that cannot
 * be asked has nothing new, and nothing is missing there.
 */
function unreadOf(offsets: PartitionOffsets, input: PlanInput): PlannedRange {
  const state = input.partitions.find((candidate) => candidate.partition === offsets.partition);
  const start = state?.nextOffset ?? (input.partitions.length === 0 ? offsets.earliest : 0);
  const end = offsets.unavailable === undefined ? Math.max(start, offsets.latest) : start;
  return { partition: offsets.partition, start, end };
}

/** What is left of a range whose first records are gone. */
function afterLost(range: PlannedRange, { earliest, unavailable }: PartitionOffsets): PlannedRange {
  const start = unavailable === undefined ? Math.max(range.start, earliest) : range.start;
  return { ...range, start, end: Math.max(start, range.end) };
}

function missingWhere(
  offsets: readonly PartitionOffsets[],
  unread: readonly PlannedRange[],
  gap: (offsets: PartitionOffsets, range: PlannedRange) => [start: number, end: number],
): MissingOffsets[] {
  return unread.flatMap((range, index) => {
    const at = offsets[index] as PartitionOffsets;
    const [start, end] = gap(at, range);
    return start < end && at.unavailable === undefined ? [{ partition: range.partition, start, end }] : [];
  });
}

/** The committed states, and for partitions seen for the first time one that has nothing yet. */
function statesAt(input: PlanInput, clockMs: number, clockShiftMs: number): PartitionState[] {
  return input.offsets.map(({ partition, earliest }) => {
    const known = input.partitions.find((state) => state.partition === partition);
    if (known !== undefined) return shifted(known, clockShiftMs);
    return { ...NOTHING_READ, partition, nextOffset: earliest, activeAtMs: clockMs };
  });
}

/** The same by a clock that jumped: how long the partition has been idle stays what it was. */
function shifted(state: PartitionState, clockShiftMs = 0): PartitionState {
  return clockShiftMs === 0 ? state : { ...state, activeAtMs: state.activeAtMs + clockShiftMs };
}

/**
 * A partition is idle if it has nothing unread and has been so for the timeout, in time that passed. One that cannot be asked
 * may have unread records.
 */
function idleOf(
  states: readonly PartitionState[],
  unread: readonly PlannedRange[],
  clockMs: number,
  { offsets, idleTimeoutMs }: Pick<PlanInput, 'offsets' | 'idleTimeoutMs'>,
): number[] {
  return states
    .filter((state, index) => {
      const range = unread[index] as PlannedRange;
      if (offsets[index]?.unavailable !== undefined) return false;
      return range.start === range.end && clockMs - state.activeAtMs >= idleTimeoutMs;
    })
    .map((state) => state.partition);
}

/** How many offsets are in these ranges; records may be fewer, where the log has gaps. */
export function offsetsIn(ranges: readonly PlannedRange[]): number {
  return ranges.reduce((sum, range) => sum + range.end - range.start, 0);
}

/** Cuts the unread ranges down to `offsetsMax` records in proportion; each share is rounded up, so that none starves. */
function shareOut(unread: readonly PlannedRange[], unreadTotal: number, offsetsMax: number): PlannedRange[] {
  const waiting = unread.filter((range) => range.end > range.start);
  if (unreadTotal <= offsetsMax) return waiting;
  return waiting.map((range) => {
    const share = Math.ceil(((range.end - range.start) / unreadTotal) * offsetsMax);
    return { ...range, end: Math.min(range.end, range.start + share) };
  });
}

/** The offsets that a bounded query may see: never past where each partition ended at the start. */
export function atMost(
  offsets: readonly PartitionOffsets[],
  bound: readonly PartitionOffsets[] | undefined,
): readonly PartitionOffsets[] {
  if (bound === undefined) return offsets;
  return bound.map((limit) => {
    const now = offsets.find((candidate) => candidate.partition === limit.partition) ?? limit;
    // Where it ends for this query is not known yet.
    if (limit.unavailable !== undefined) return { ...now, unavailable: limit.unavailable };
    // Retention may have gone past the bound meanwhile, and an end lies never below its beginning.
    return { ...now, latest: Math.max(now.earliest, Math.min(now.latest, limit.latest)) };
  });
}

/** The bound with the ends of those partitions that could not be asked before. */
export function boundOf(
  bound: readonly PartitionOffsets[],
  all: readonly PartitionOffsets[],
): readonly PartitionOffsets[] {
  return bound.map((limit) => {
    const found = all.find(({ partition }) => partition === limit.partition);
    return limit.unavailable === undefined || found === undefined ? limit : found;
  });
}
