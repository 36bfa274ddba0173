/** JSON in the checkpoint's tables. */
import type { BatchPlan, Json, LoweredWatermark, PlannedRange } from '../../contracts/batch.ts';
import type { Cell } from '../connection.ts';
import { corrupt } from '../errors.ts';

/** @throws CHECKPOINT_CORRUPT, which names `what` */
export function parseStored(text: Cell | undefined, what: string, location: string): Json {
  try {
    if (typeof text === 'string') return JSON.parse(text) as Json;
  } catch (error) {
    throw corrupt(location, `The stored ${what} is not JSON.`, error);
  }
  throw corrupt(location, `The stored ${what} is not text.`);
}

/** A plan as canonical text: two plans are equal if and only if their texts are equal. */
export function planText(plan: BatchPlan): string {
  return JSON.stringify({
    batchId: plan.batchId,
    topicId: plan.topicId,
    ranges: plan.ranges.map(rangeOf),
    lost: plan.lost.map(rangeOf),
    clockMs: plan.clockMs,
    ...(plan.clockShiftMs === undefined ? {} : { clockShiftMs: plan.clockShiftMs }),
    watermarkMicros: plan.watermarkMicros,
    idlePartitions: plan.idlePartitions,
    ...(plan.lowered === undefined ? {} : { lowered: loweredOf(plan.lowered) }),
  } satisfies BatchPlan);
}

function loweredOf({ batchId, toMicros, fromMicros }: LoweredWatermark): LoweredWatermark {
  return { batchId, toMicros, fromMicros };
}

function rangeOf({ partition, start, end }: PlannedRange): PlannedRange {
  return { partition, start, end };
}

/** @throws CHECKPOINT_CORRUPT if it is not the plan of that batch */
export function parsePlan(batchId: Cell | undefined, text: Cell | undefined, location: string): BatchPlan {
  const plan = parseStored(text, 'plan', location) as unknown as BatchPlan | null;
  if (
    plan?.batchId !== batchId ||
    !Array.isArray(plan?.ranges) ||
    !Array.isArray(plan.lost) ||
    typeof plan.topicId !== 'string'
  ) {
    throw corrupt(location, `The stored plan of batch ${String(batchId)} is not a plan of that batch.`);
  }
  return plan;
}
