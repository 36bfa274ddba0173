/** Batches for tests of reports and totals: sums by an own, plain way, so that they can be compared. */
import type { EventRow, BatchResult } from '../../../src/contracts/batch-result.ts';
import { NO_ACCOUNTING, type Accounting, type GroupRow } from '../../../src/contracts/batch.ts';

export interface Purchase {
  /** `YYYY-MM-DD`. */
  readonly date: string;
  readonly currency: string;
  readonly category: string;
  readonly cents: bigint;
  readonly eventId?: string;
  readonly customerId?: string;
  /** `HH:MM:SS`, 12:00:00 where left out. */
  readonly time?: string;
}

export interface BatchParts {
  readonly batchId?: number;
  /** 2025-06-26T14:11:33Z where left out. */
  readonly clockMs?: number;
  /** What earlier batches accepted. */
  readonly before?: readonly Purchase[];
  readonly batch: readonly Purchase[];
  /** Records that were read and not accepted. */
  readonly rejected?: Partial<Pick<Accounting, 'invalid' | 'duplicate' | 'late'>>;
}

const KEYS: Readonly<Record<string, (purchase: Purchase) => readonly string[]>> = {
  running: ({ currency }) => [currency],
  days: ({ date, currency }) => [date, currency],
  categories: ({ date, currency, category }) => [date, currency, category],
};

export function resultOf(parts: BatchParts): BatchResult {
  const { batch, before = [] } = parts;
  const rejected = { invalid: 0, duplicate: 0, late: 0, ...parts.rejected };
  const read = batch.length + rejected.invalid + rejected.duplicate + rejected.late;
  return {
    plan: {
      batchId: parts.batchId ?? 0,
      topicId: 'topic',
      ranges: [],
      lost: [],
      clockMs: parts.clockMs ?? Date.UTC(2025, 5, 26, 14, 11, 33),
      watermarkMicros: null,
      idlePartitions: [],
    },
    accounting: { ...NO_ACCOUNTING, ...rejected, read, accepted: batch.length },
    aggregates: Object.keys(KEYS).map((aggregate) => {
      const added = groupsOf(aggregate, batch);
      const touched = new Set(added.map(({ key }) => JSON.stringify(key)));
      const totals = groupsOf(aggregate, [...before, ...batch]);
      return {
        aggregate,
        added,
        closed: [],
        removed: [],
        totals: totals.filter(({ key }) => touched.has(JSON.stringify(key))),
      };
    }),
    sample: batch.slice(0, 5).map(eventRow),
    lost: [],
    deadLetters: () => [],
    outputs: () => [],
    allGroups: (aggregate) => groupsOf(aggregate, [...before, ...batch]),
  };
}

/** In the order of the first purchase of each group, as the engine gives them. */
export function groupsOf(aggregate: string, purchases: readonly Purchase[]): readonly GroupRow[] {
  const keyOf = KEYS[aggregate];
  if (keyOf === undefined) throw new Error(`no aggregate ${aggregate}`);
  const groups = new Map<string, { key: readonly string[]; cents: bigint; count: number }>();
  for (const purchase of purchases) {
    const key = keyOf(purchase);
    const group = groups.get(JSON.stringify(key)) ?? { key, cents: 0n, count: 0 };
    groups.set(JSON.stringify(key), { key, cents: group.cents + purchase.cents, count: group.count + 1 });
  }
  return [...groups.values()].map(({ key, cents, count }) => ({ key, measures: [amount(cents), count] }));
}

export function amount(cents: bigint): string {
  return `${cents / 100n}.${(cents % 100n).toString().padStart(2, '0')}`;
}

function eventRow(purchase: Purchase, index: number): EventRow {
  return {
    event_id: purchase.eventId ?? `purchase_1750946${index}`,
    timestamp: `${purchase.date}T${purchase.time ?? '12:00:00'}.000Z`,
    customer_id: purchase.customerId ?? `customer_${index}`,
    customer_segment: null,
    product_category: purchase.category,
    total_amount: amount(purchase.cents),
    currency: purchase.currency,
    location: { country: null, city: null },
  };
}
