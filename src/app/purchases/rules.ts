/** The validation rules of a purchase, in addition to its types. The first broken rule is the reason of the dead letter. */
import type { RuleFor } from '../../plan/rule.ts';
import { CURRENCIES, REFUSED_CURRENCIES } from './currencies.ts';
import type { PURCHASE_SCHEMA } from './schema.ts';

/** In characters. The totals keep every category permanently, so a name is limited. */
const CATEGORY_CHARACTERS_MAX = 256;

const CUSTOMER_SEGMENTS = ['Premium', 'Standard', 'Basic'] as const;

export interface PurchaseRulesOptions {
  /** How far an event may be ahead of min(its log timestamp, the plan's clock). */
  readonly futureToleranceMs: number;
}

/** In the order of the checks. Bounds have the decimals of their column, which is the only form of decimals. */
export function purchaseRules({
  futureToleranceMs,
}: PurchaseRulesOptions): readonly RuleFor<typeof PURCHASE_SCHEMA>[] {
  return [
    { kind: 'characters', field: 'event_id', min: 1, max: 128 },
    {
      kind: 'oneOf',
      field: 'customer_segment',
      values: CUSTOMER_SEGMENTS,
      expected: 'Premium, Standard or Basic',
      refused: {},
    },
    { kind: 'characters', field: 'product_category', min: 0, max: CATEGORY_CHARACTERS_MAX },
    { kind: 'between', field: 'quantity', min: '1', max: '10000' },
    { kind: 'between', field: 'unit_price', min: '0.00', max: null },
    { kind: 'between', field: 'total_amount', min: '0.00', max: null },
    {
      kind: 'oneOf',
      field: 'currency',
      values: CURRENCIES,
      expected: 'an ISO 4217 code of a currency with two decimals',
      refused: REFUSED_CURRENCIES,
    },
    { kind: 'between', field: 'discount_percentage', min: '0.00', max: '100.00' },
    {
      kind: 'amount',
      total: 'total_amount',
      price: 'unit_price',
      quantity: 'quantity',
      discount: 'discount_percentage',
      tolerance: '0.01',
    },
    // Last, because only this rule depends on a clock: an event that breaks another rule is invalid at any time.
    { kind: 'notAhead', field: 'timestamp', toleranceMs: futureToleranceMs },
  ];
}
