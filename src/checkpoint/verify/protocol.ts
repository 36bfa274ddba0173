/** Whether plans, commits and the offsets of partitions tell one story. */
import type { DatabaseSync } from 'node:sqlite';
import type { BatchPlan } from '../../contracts/batch.ts';
import type { AcceptedLoss } from '../../contracts/checkpoint.ts';
import { resumeAt } from '../history/accept-raised.ts';
import { storedPartitions } from '../batch-tables.ts';
import { readAcceptedLosses } from '../history/data-losses.ts';
import { firstCell } from '../connection.ts';
import { MEND, type FindingParts } from './finding.ts';
import type { Seal } from '../seals/seal.ts';
import { storedCommits, storedPlans, type StoredCommit, type StoredPlan } from '../stored-batches.ts';

type Findings = Generator<FindingParts, void, undefined>;

/** A clock that is set back by less than this has not jumped, as far as a plan says. */
const CLOCK_SLACK_MS = 1_000;

/** Tables whose rows come with a commit. */
const COMMITTED_TABLES = ['dead_letters', 'duplicates', 'dedupe_appended', 'lost_ranges'] as const;

export function* protocolFindings(
  database: DatabaseSync,
  location: string,
  seal: Seal | undefined,
): Findings {
  const plans = storedPlans(database, location);
  const commits = storedCommits(database);
  yield* orderFindings(plans, commits);
  yield* pairFindings(plans, commits);
  const accepted = readAcceptedLosses(database, seal, location);
  yield* successionFindings(plans, accepted);
  yield* offsetFindings(database, { plans, accepted, last: commits.at(-1)?.batchId ?? -1 });
  for (const table of COMMITTED_TABLES) {
    const newest = firstCell(database.prepare(`SELECT max(batch_id) FROM ${table}`)) as number | null;
    const last = commits.at(-1)?.batchId ?? -1;
    if (newest !== null && newest > last) {
      yield finding(
        'Rows belong to a batch that was not committed.',
        `table ${table}, batch ${newest}`,
        `The last commit is ${last < 0 ? 'none' : `batch ${last}`}.`,
      );
    }
  }
}

function* orderFindings(plans: readonly StoredPlan[], commits: readonly StoredCommit[]): Findings {
  for (const [table, batches] of [
    ['plans', plans],
    ['commits', commits],
  ] as const) {
    for (const [index, { batchId }] of batches.entries()) {
      const before = batches[index - 1]?.batchId ?? batchId - 1;
      if (batchId === before + 1) continue;
      yield finding(
        'Batches are missing.',
        `table ${table}, batch ${batchId}`,
        `The one before is batch ${before}.`,
      );
    }
  }
  const planned = plans.at(-1)?.batchId ?? -1;
  const committed = commits.at(-1)?.batchId ?? -1;
  if (planned === committed || planned === committed + 1) return;
  const name = (batchId: number): string => (batchId < 0 ? 'none' : `batch ${batchId}`);
  yield finding(
    'Plan and commit contradict each other.',
    'tables plans and commits',
    `The last plan is ${name(planned)} and the last commit is ${name(committed)}; a plan is at most one ahead.`,
  );
}

function* pairFindings(plans: readonly StoredPlan[], commits: readonly StoredCommit[]): Findings {
  for (const { batchId, watermarkMicros, accounting } of commits) {
    const where = `batch ${batchId}`;
    const stored = plans.find((each) => each.batchId === batchId);
    if (stored === undefined)
      yield finding(
        'A commit has no plan.',
        `table plans, ${where}`,
        'A batch is planned before it is committed.',
      );
    const plan = stored?.plan;
    if (plan === undefined) continue;
    if (plan.watermarkMicros !== watermarkMicros) {
      yield finding(
        'A commit has another watermark than its plan.',
        `table commits, ${where}`,
        `It is ${String(watermarkMicros)}, and ${String(plan.watermarkMicros)} was planned.`,
      );
    }
    // Fewer where the log has gaps, or where records were gone when they were read.
    const planned = plan.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    if (accounting.read <= planned) continue;
    yield finding(
      'A batch has read more than was planned.',
      `table commits, ${where}`,
      `It counts ${accounting.read} records, and its ranges have ${planned}.`,
    );
  }
}

/** Plans in order, where a batch without one has its place as well: what it read is not known. */
function* withGaps(
  plans: readonly StoredPlan[],
  lastBatchId: number,
): Generator<StoredPlan, void, undefined> {
  let next = plans[0]?.batchId ?? lastBatchId + 1;
  for (const stored of plans) {
    // One unknown batch says as much as many.
    if (stored.batchId !== next) yield { batchId: next, plan: undefined };
    yield stored;
    next = stored.batchId + 1;
  }
  if (next <= lastBatchId) yield { batchId: next, plan: undefined };
}

/** After a loss was accepted a partition is read on from elsewhere than where its last plan ended. */
function moveAccepted(ends: Map<number, number>, accepted: readonly AcceptedLoss[], batchId: number): void {
  const own = accepted.filter((loss) => loss.batchId === batchId);
  for (const [partition, end] of ends) ends.set(partition, resumeAt({ partition, nextOffset: end }, own));
}

/** Each plan goes on where the ones before it ended. */
function* successionFindings(plans: readonly StoredPlan[], accepted: readonly AcceptedLoss[]): Findings {
  const ends = new Map<number, number>();
  let before: BatchPlan | undefined;
  for (const { plan } of withGaps(plans, -1)) {
    if (plan === undefined) {
      // Where it ended is not known, so nothing can be said of the next.
      ends.clear();
      before = undefined;
      continue;
    }
    const where = `table plans, batch ${plan.batchId}`;
    if (before !== undefined) {
      if (plan.topicId !== before.topicId)
        yield finding(
          'A plan is of another topic.',
          where,
          `Its topic is ${plan.topicId}, and before ${before.topicId}.`,
        );
      const passedMs = plan.clockMs - before.clockMs - (plan.clockShiftMs ?? 0);
      if (passedMs < -CLOCK_SLACK_MS)
        yield finding(
          'The clock of a plan went back, and the plan does not say so.',
          where,
          `It is ${plan.clockMs}, after ${before.clockMs}, with a jump of ${plan.clockShiftMs ?? 0} ms.`,
        );
      const isLowered = plan.lowered?.batchId === plan.batchId;
      if (!isLowered && (plan.watermarkMicros ?? -Infinity) < (before.watermarkMicros ?? -Infinity)) {
        yield finding(
          'The watermark went back, and nobody lowered it.',
          where,
          `It is ${String(plan.watermarkMicros)}, after ${String(before.watermarkMicros)}.`,
        );
      }
    }
    yield* loweredFindings(plan, before);
    for (const { partition, start, end } of [...plan.lost, ...plan.ranges]) {
      const expected = ends.get(partition) ?? start;
      if (start !== expected || end < start) {
        yield finding(
          'A plan does not go on where the one before it ended.',
          where,
          `In partition ${partition} it reads [${start}, ${end}), and ${expected} was the next offset.`,
        );
      }
      ends.set(partition, end);
    }
    moveAccepted(ends, accepted, plan.batchId);
    before = plan;
  }
}

/** A plan carries on when the watermark was lowered, and only the batch that lowers it may say something new. */
function* loweredFindings(plan: BatchPlan, before: BatchPlan | undefined): Findings {
  const { lowered, batchId } = plan;
  if (lowered?.batchId === batchId) {
    if (plan.ranges.length === 0 && plan.lost.length === 0) return;
    yield finding(
      'A batch that lowers the watermark reads records.',
      `table plans, batch ${batchId}`,
      'Such a batch reads nothing.',
    );
    return;
  }
  if (before === undefined || JSON.stringify(lowered) === JSON.stringify(before.lowered)) return;
  yield finding(
    'A plan says otherwise than the one before when the watermark was lowered.',
    `table plans, batch ${batchId}`,
    `It says ${loweredText(lowered)}, and before ${loweredText(before.lowered)}.`,
  );
}

function loweredText(lowered: BatchPlan['lowered']): string {
  return lowered === undefined ? 'never' : `in batch ${lowered.batchId}`;
}

function* offsetFindings(
  database: DatabaseSync,
  {
    plans,
    accepted,
    last,
  }: {
    readonly plans: readonly StoredPlan[];
    readonly accepted: readonly AcceptedLoss[];
    readonly last: number;
  },
): Findings {
  const ends = new Map<number, number>();
  for (const { batchId, plan } of withGaps(plans, last)) {
    if (plan === undefined) ends.clear();
    else if (batchId <= last)
      for (const { partition, end } of [...plan.lost, ...plan.ranges]) ends.set(partition, end);
    moveAccepted(ends, accepted, batchId);
  }
  const partitions = storedPartitions(database);
  const misplaced = new Set<number>();
  for (const [partition, end] of ends) {
    const state = partitions.find((each) => each.partition === partition);
    if (state?.nextOffset === end) continue;
    misplaced.add(partition);
    yield finding(
      'The offset of a partition is not where its last batch ended.',
      `table partitions, partition ${partition}`,
      `Its next offset is ${state?.nextOffset ?? 'missing'}, and the last plan that read it ended at ${end}.`,
    );
  }
  for (const { partition, isAsWritten } of partitions) {
    if (isAsWritten || misplaced.has(partition)) continue;
    yield finding(
      'What is remembered of a partition does not match its checksum.',
      `table partitions, partition ${partition}`,
      'Its next offset, its newest event time, the time of its last batch or its checksum is not what was written.',
    );
  }
}

function finding(what: string, where: string, why: string): FindingParts {
  return { what, where, why, mend: MEND };
}
