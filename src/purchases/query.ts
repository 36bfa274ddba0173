/** The purchase query: valid purchases, each id once, summed and counted by currency, by day, and by category. */
import type { GroupKey, Measure, QueryPlan } from '../plan/query-plan.ts';
import { purchaseRules } from './rules.ts';
import { PURCHASE_SCHEMA } from './schema.ts';

export interface PurchaseQueryOptions {
  readonly name: string;
  readonly topic: string;
  /** The zone whose calendar days are summed, such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** How far behind the newest purchase of its partition one may come; null: none is late, and every id is kept. */
  readonly watermarkDelayMs: number | null;
  readonly idleTimeoutMs: number;
  readonly futureToleranceMs: number;
  readonly valueBytesMax: number;
  /** The zone of timestamps that name none; null refuses them. */
  readonly assumeTimeZone: string | null;
}

export const RUNNING = 'running';
export const DAYS = 'days';
export const CATEGORIES = 'categories';

const date: GroupKey = { kind: 'date', name: 'date', column: 'timestamp' };
const currency: GroupKey = { kind: 'column', name: 'currency', column: 'currency' };
const category: GroupKey = { kind: 'column', name: 'category', column: 'product_category' };

const measures: readonly Measure[] = [
  { kind: 'sum', name: 'total', column: 'total_amount' },
  { kind: 'count', name: 'transactions' },
];

export function purchaseQuery(options: PurchaseQueryOptions): QueryPlan {
  const { name, topic, timeZone, valueBytesMax, assumeTimeZone } = options;
  const { watermarkDelayMs: delayMs, idleTimeoutMs } = options;
  return Object.freeze({
    name,
    topic,
    schema: PURCHASE_SCHEMA,
    valueBytesMax,
    assumeTimeZone,
    rules: purchaseRules(options),
    watermark: { column: 'timestamp', delayMs, idleTimeoutMs },
    steps: [],
    dedupe: { columns: ['event_id'] },
    timeZone,
    aggregates: [
      { name: RUNNING, keys: [currency], measures },
      { name: DAYS, keys: [date, currency], measures },
      { name: CATEGORIES, keys: [date, currency, category], measures },
    ],
    rows: null,
    outputMode: 'update',
  });
}
