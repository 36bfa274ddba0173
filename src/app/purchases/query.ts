/** The purchase query: valid purchases, each id once, summed and counted by currency, by day, and by category. */
import { toDate } from '../../plan/expression/functions.ts';
import { count, sum } from '../../plan/measure.ts';
import type { QueryPlan } from '../../plan/query-plan.ts';
import type { DataStream } from '../../stream/data-stream.ts';
import { describeStream } from '../../stream/describe-stream.ts';
import { CATEGORIES, DAYS, RUNNING } from './aggregate-names.ts';
import { purchaseRules } from './rules.ts';
import { PURCHASE_SCHEMA } from './schema.ts';

export interface PurchaseQueryOptions {
  readonly name: string;
  readonly topic: string;
  /** The zone whose calendar days are summed, such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** How far behind the newest purchase of its partition an event may be; null: no event is late, and every id is kept. */
  readonly watermarkDelayMs: number | null;
  readonly idleTimeoutMs: number;
  readonly futureToleranceMs: number;
  readonly valueBytesMax: number;
  /** The zone of timestamps without one; null rejects them. */
  readonly assumeTimeZone: string | null;
}

const TOTALS = { total: sum('total_amount'), transactions: count() } as const;

function purchaseTotals(
  purchases: DataStream<typeof PURCHASE_SCHEMA>,
  options: Pick<PurchaseQueryOptions, 'watermarkDelayMs' | 'futureToleranceMs'>,
) {
  const { watermarkDelayMs: delayMs } = options;
  return purchases
    .validate(purchaseRules(options))
    .withWatermark('timestamp', delayMs === null ? 'off' : `${delayMs} milliseconds`)
    .dropDuplicatesWithinWatermark('event_id')
    .aggregateEach((purchase) => ({
      [RUNNING]: purchase.groupBy('currency').agg(TOTALS),
      [DAYS]: purchase.groupBy(({ timestamp }) => [toDate(timestamp).alias('date'), 'currency']).agg(TOTALS),
      [CATEGORIES]: purchase
        .groupBy(({ timestamp, product_category }) => [
          toDate(timestamp).alias('date'),
          'currency',
          product_category.alias('category'),
        ])
        .agg(TOTALS),
    }));
}

export function purchaseQuery(options: PurchaseQueryOptions): QueryPlan {
  const totals = purchaseTotals(describeStream(PURCHASE_SCHEMA), options);
  return totals.plan({ ...options, outputMode: 'update' });
}
