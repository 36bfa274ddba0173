/**
 * Checks that the figures agree: the running totals, the days and the categories cover the same events, and each accepted
 * event is one transaction.
 */
import { TallystreamError } from '../../errors.ts';
import type { Totals } from './report/totals-types.ts';

interface Figures {
  /** In units of the last decimal place. */
  readonly amount: bigint;
  readonly transactions: number;
}

type Row = { readonly total: string; readonly transactions: number };

/** @throws CHECKPOINT_CORRUPT, which names the two figures that differ */
export function checkTotals(totals: Totals): void {
  const { queryName, runningTotals, days, categories, accounting } = totals;
  const byCurrency = ({ currency }: { readonly currency: string }): string => currency;
  const byDay = ({ date, currency }: { readonly date: string; readonly currency: string }): string =>
    `${date} ${currency}`;
  const problem =
    difference('the running total', sums(runningTotals, byCurrency), 'the days', sums(days, byCurrency)) ??
    difference('the day', sums(days, byDay), 'its categories', sums(categories, byDay)) ??
    transactionsProblem(runningTotals, accounting.accepted);
  if (problem === undefined) return;
  throw new TallystreamError('CHECKPOINT_CORRUPT', {
    what: `The totals in the checkpoint of query ${queryName} contradict each other.`,
    why: problem,
    hint: 'Check the disk, then restore a copy of the checkpoint folder; or delete the folder, and the query reads its topic from the start.',
  });
}

function sums<T extends Row>(rows: readonly T[], keyOf: (row: T) => string): ReadonlyMap<string, Figures> {
  const found = new Map<string, Figures>();
  for (const row of rows) {
    const key = keyOf(row);
    const { amount, transactions } = found.get(key) ?? { amount: 0n, transactions: 0 };
    found.set(key, { amount: amount + unitsOf(row.total), transactions: transactions + row.transactions });
  }
  return found;
}

/** Every amount has the same number of decimals, so without the point all are whole numbers of one unit. */
function unitsOf(text: string): bigint {
  return BigInt(text.replace('.', ''));
}

function difference(
  nameA: string,
  a: ReadonlyMap<string, Figures>,
  nameB: string,
  b: ReadonlyMap<string, Figures>,
): string | undefined {
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const [left, right] = [a.get(key) ?? NOTHING, b.get(key) ?? NOTHING];
    if (left.amount === right.amount && left.transactions === right.transactions) continue;
    return `For ${key}, ${nameA} has ${words(left)}, but ${nameB} have ${words(right)}.`;
  }
  return undefined;
}

const NOTHING: Figures = { amount: 0n, transactions: 0 };

function words({ amount, transactions }: Figures): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(3, '0');
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)} in ${transactions} transactions`;
}

function transactionsProblem(running: readonly Row[], accepted: number): string | undefined {
  const transactions = running.reduce((sum, row) => sum + row.transactions, 0);
  if (transactions === accepted) return undefined;
  return `The running totals count ${transactions} transactions, but ${accepted} events were accepted.`;
}
