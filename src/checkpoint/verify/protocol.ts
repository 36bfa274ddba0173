/** Whether plans, commits and the offsets of partitions are consistent. */
import type { DatabaseSync } from 'node:sqlite';
import type { BatchPlan } from '../../contracts/batch.ts';
import type { AcceptedLoss } from '../../contracts/checkpoint.ts';
import { resumeAt } from '../history/accept-raised.ts';
import { storedPartitions } from '../tables/batch-tables.ts';
import { readAcceptedLosses } from '../history/data-losses.ts';
import { firstCell } from '../connection.ts';
import { HINT, type FindingParts } from './finding.ts';
import type { Seal } from '../seals/seal.ts';
import { storedCommits, storedPlans, type StoredCommit, type StoredPlan } from '../tables/stored-batches.ts';

type Findings = Generator<FindingParts, void, undefined>;

/** A plan does not record a clock that was set back by less than this. */
const CLOCK_SLACK_MS = 1_000;

/** Tables whose rows are written by commits. */
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
        last < 0 ? 'There is no commit.' : `The last commit is batch ${last}.`,
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
        `The batch before it is ${before}.`,
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
    `The last plan is ${name(planned)} and the last commit is ${name(committed)}. A plan is at most one batch ahead.`,
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
        'A commit has a different watermark than its plan.',
        `table commits, ${where}`,
        `It is ${String(watermarkMicros)}, but the plan has ${String(plan.watermarkMicros)}.`,
      );
    }
    // There are fewer if the log has gaps, or if records were removed before they were read.
    const planned = plan.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    if (accounting.read <= planned) continue;
    yield finding(
      'A batch has read more records than planned.',
      `table commits, ${where}`,
      `It counts ${accounting.read} records, but its ranges have ${planned}.`,
    );
  }
}

/** Plans in order. A batch without a plan is included, since it is unknown what that batch read. */
function* withGaps(
  plans: readonly StoredPlan[],
  lastBatchId: number,
): Generator<StoredPlan, void, undefined> {
  let next = plans[0]?.batchId ?? lastBatchId + 1;
  for (const stored of plans) {
    // One unknown batch has the same effect as many.
    if (stored.batchId !== next) yield { batchId: next, plan: undefined };
    yield stored;
    next = stored.batchId + 1;
  }
  if (next <= lastBatchId) yield { batchId: next, plan: undefined };
}

/** After a loss was accepted, a partition does not continue where its last plan ended. */
function moveAccepted(ends: Map<number, number>, accepted: readonly AcceptedLoss[], batchId: number): void {
  const own = accepted.filter((loss) => loss.batchId === batchId);
  for (const [partition, end] of ends) ends.set(partition, resumeAt({ partition, nextOffset: end }, own));
}

/** Each plan continues where the earlier plans ended. */
function* successionFindings(plans: readonly StoredPlan[], accepted: readonly AcceptedLoss[]): Findings {
  const ends = new Map<number, number>();
  let before: BatchPlan | undefined;
  for (const { plan } of withGaps(plans, -1)) {
    if (plan === undefined) {
      // It is unknown where it ended, so the next plan cannot be checked.
      ends.clear();
      before = undefined;
      continue;
    }
    const where = `table plans, batch ${plan.batchId}`;
    if (before !== undefined) {
      if (plan.topicId !== before.topicId)
        yield finding(
          'A plan belongs to another topic.',
          where,
          `Its topic is ${plan.topicId}, but the topic of the plan before is ${before.topicId}.`,
        );
      const passedMs = plan.clockMs - before.clockMs - (plan.clockShiftMs ?? 0);
      if (passedMs < -CLOCK_SLACK_MS)
        yield finding(
          'The clock of a plan went back, but the plan does not record it.',
          where,
          `It is ${plan.clockMs}, after ${before.clockMs}, with a recorded jump of ${plan.clockShiftMs ?? 0} ms.`,
        );
      const isLowered = plan.lowered?.batchId === plan.batchId;
      if (!isLowered && (plan.watermarkMicros ?? -Infinity) < (before.watermarkMicros ?? -Infinity)) {
        yield finding(
          'The watermark went back, but was not lowered by an operator.',
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
          'A plan does not continue where the plan before it ended.',
          where,
          `In partition ${partition} it reads [${start}, ${end}), but the next offset was ${expected}.`,
        );
      }
      ends.set(partition, end);
    }
    moveAccepted(ends, accepted, plan.batchId);
    before = plan;
  }
}

/** Plans repeat when the watermark was last lowered. Only the batch that lowers it may change this. */
function* loweredFindings(plan: BatchPlan, before: BatchPlan | undefined): Findings {
  const { lowered, batchId } = plan;
  if (lowered?.batchId === batchId) {
    if (plan.ranges.length === 0 && plan.lost.length === 0) return;
    yield finding(
      'A batch that lowers the watermark also reads records.',
      `table plans, batch ${batchId}`,
      'Such a batch must read nothing.',
    );
    return;
  }
  if (before === undefined || JSON.stringify(lowered) === JSON.stringify(before.lowered)) return;
  yield finding(
    'A plan disagrees with the plan before it on when the watermark was lowered.',
    `table plans, batch ${batchId}`,
    `It says ${loweredText(lowered)}, but the plan before says ${loweredText(before.lowered)}.`,
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
      `Its next offset is ${state?.nextOffset ?? 'missing'}, but the last plan that read it ended at ${end}.`,
    );
  }
  for (const { partition, isAsWritten } of partitions) {
    if (isAsWritten || misplaced.has(partition)) continue;
    yield finding(
      'The state of a partition does not match its checksum.',
      `table partitions, partition ${partition}`,
      'Its next offset, its newest event time, the time of its last batch or its checksum is not what was written.',
    );
  }
}

function finding(what: string, where: string, why: string): FindingParts {
  return { what, where, why, hint: HINT };
}
