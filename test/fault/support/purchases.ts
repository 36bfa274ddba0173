/**
 * Purchases with known verdicts, and what must come of them: sums of BigInt cents over the verdicts, made without a line
 * of the product. Any prefix of the file has its expectation, too, since no verdict depends on a later line.
 */
import { createRandom, type Random } from '../../../src/producer/random.ts';

export interface Case {
  /** The line's bytes, without its LF. */
  readonly bytes: Buffer;
  readonly verdict: 'accepted' | 'DUPLICATE' | 'LATE' | 'invalid';
  /** The dead letter's reason; null for what leaves none. */
  readonly reason: string | null;
  readonly purchase: Purchase | null;
}

interface Purchase {
  readonly id: string;
  readonly customer: string;
  readonly atMs: number;
  readonly category: string;
  readonly currency: string;
  readonly unitCents: bigint;
  readonly quantity: number;
  readonly cents: bigint;
}

export interface Expectation {
  /** As `totals --json` prints it, but for `lastBatchId`. */
  readonly totals: Readonly<Record<string, unknown>>;
  /** `reason base64` of every dead letter, sorted. */
  readonly deadLetters: readonly string[];
  readonly duplicates: number;
}

const FIRST_MS = Date.UTC(2025, 5, 24, 6);
/** A file of 6,000 lines reaches over three and a half days. */
const STEP_MS = 50_000;
const JITTER_MS = 25 * 60_000;
/** Within this many lines an id is repeated, so that it is still remembered by its partition's watermark. */
const REPEAT_WITHIN = 15;
const CUSTOMERS = 40;
const CATEGORIES = ['Home', 'Books', 'Food', 'Größe & Maß', '__proto__'];
/** Four of these leave the integers that a float holds: 30 billion units and a cent. */
const LARGE_CENTS = 3_000_000_000_000_001n;

export function createCases(seed: string, lines: number): Case[] {
  const random = createRandom(seed);
  const cases: Case[] = [];
  const accepted: Purchase[] = [];
  for (let line = 1; line <= lines; line += 1) {
    const made = nextCase(random, line, accepted);
    if (made.verdict === 'accepted' && made.purchase !== null) accepted.push(made.purchase);
    cases.push(made);
  }
  return cases;
}

export function fileOf(cases: readonly Case[]): Buffer {
  return Buffer.concat(cases.flatMap(({ bytes }) => [bytes, Buffer.from('\n')]));
}

export function expect(cases: readonly Case[]): Expectation {
  const running = new Map<string, Sum>();
  const days = new Map<string, Sum>();
  const categories = new Map<string, Sum>();
  const accounting = { read: 0, accepted: 0, invalid: 0, duplicate: 0, late: 0 };
  const deadLetters: string[] = [];
  for (const { bytes, verdict, reason, purchase } of cases) {
    accounting.read += 1;
    if (reason !== null) deadLetters.push(`${reason} ${bytes.toString('base64')}`);
    if (verdict === 'DUPLICATE') accounting.duplicate += 1;
    else if (verdict === 'LATE') accounting.late += 1;
    else if (verdict === 'invalid' || purchase === null) accounting.invalid += 1;
    else {
      accounting.accepted += 1;
      const date = new Date(purchase.atMs).toISOString().slice(0, 10);
      const { currency, category, cents } = purchase;
      add(running, { currency }, cents);
      add(days, { date, currency }, cents);
      add(categories, { date, currency, category }, cents);
    }
  }
  const totals = {
    schemaVersion: 1,
    queryName: 'purchase-totals',
    runningTotals: rows(running),
    days: rows(days),
    categories: rows(categories),
    accounting,
  };
  return { totals, deadLetters: deadLetters.sort(), duplicates: accounting.duplicate };
}

/** Cents of decimal text with two decimals, as the product prints it. */
export function centsOf(text: string): bigint {
  if (!/^-?\d+\.\d\d$/.test(text)) throw new Error(`${text} is no amount with two decimals`);
  return BigInt(text.replace('.', ''));
}

interface Sum {
  readonly key: Readonly<Record<string, string>>;
  cents: bigint;
  transactions: number;
}

function add(sums: Map<string, Sum>, key: Readonly<Record<string, string>>, cents: bigint): void {
  const name = JSON.stringify(key);
  const sum = sums.get(name) ?? { key, cents: 0n, transactions: 0 };
  sum.cents += cents;
  sum.transactions += 1;
  sums.set(name, sum);
}

/** By date, currency, then falling total; days and currencies have one row each, so that their total decides nothing. */
function rows(sums: ReadonlyMap<string, Sum>): Record<string, unknown>[] {
  const place = ({ key }: Sum): string => `${key['date'] ?? ''} ${key['currency'] ?? ''}`;
  return [...sums.values()]
    .sort((a, b) => compare(place(a), place(b)) || compare(b.cents, a.cents))
    .map(({ key, cents, transactions }) => ({ ...key, total: amount(cents), transactions }));
}

function compare<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function amount(cents: bigint): string {
  const digits = cents.toString().padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

function nextCase(random: Random, line: number, accepted: readonly Purchase[]): Case {
  const fresh = freshPurchase(random, line);
  const recent = accepted.slice(-REPEAT_WITHIN);
  const repeated = recent[random.below(Math.max(1, recent.length))];
  const kind = random.below(100);
  if (repeated === undefined || kind < 78) return wellFormed(fresh, line, 'accepted', null);
  if (kind < 84) return wellFormed(repeated, line, 'DUPLICATE', null);
  if (kind < 86) {
    const other = { ...repeated, unitCents: repeated.unitCents + 1n };
    return wellFormed(priced(other), line, 'invalid', 'CONFLICTING_DUPLICATE');
  }
  if (kind < 90) {
    // Its customer has bought on time already, so that its partition is ten days ahead of it.
    const late = { ...fresh, customer: repeated.customer, atMs: repeated.atMs - 10 * 86_400_000 };
    return wellFormed(late, line, 'LATE', 'LATE');
  }
  return invalid(random, fresh, line);
}

function freshPurchase(random: Random, line: number): Purchase {
  const large = random.below(200) === 0;
  return priced({
    id: `purchase_${line}_${random.uint32()}`,
    customer: `customer_${random.below(CUSTOMERS)}`,
    atMs: FIRST_MS + line * STEP_MS - random.below(JITTER_MS),
    category: CATEGORIES[random.below(CATEGORIES.length)] as string,
    currency: large || random.below(4) === 0 ? 'EUR' : 'USD',
    unitCents: large ? LARGE_CENTS : BigInt(random.below(200_000)),
    quantity: large ? 1 : 1 + random.below(5),
    cents: 0n,
  });
}

function priced(purchase: Purchase): Purchase {
  return { ...purchase, cents: purchase.unitCents * BigInt(purchase.quantity) };
}

function wellFormed(purchase: Purchase, line: number, verdict: Case['verdict'], reason: string | null): Case {
  return { bytes: Buffer.from(json(purchase, line)), verdict, reason, purchase };
}

function invalid(random: Random, purchase: Purchase, line: number): Case {
  const text = json(purchase, line);
  const made: readonly (readonly [reason: string, bytes: string | Buffer])[] = [
    ['MALFORMED_JSON', text.slice(0, -1)],
    ['INVALID_UTF8', Buffer.concat([Buffer.from(text), Buffer.of(0xff)])],
    ['MISSING_FIELD', text.replace('"event_id"', '"event"')],
    ['WRONG_TYPE', text.replace(`"quantity":${purchase.quantity}`, '"quantity":"1"')],
    ['OUT_OF_RANGE', text.replace(`"quantity":${purchase.quantity}`, '"quantity":0')],
    ['AMOUNT_MISMATCH', text.replace('"total_amount":', '"total_amount":1')],
    ['FUTURE_TIMESTAMP', text.replace('"timestamp":"20', '"timestamp":"21')],
    ['EMPTY', ''],
  ];
  const [reason, bytes] = made[random.below(made.length)] as (typeof made)[number];
  return { bytes: Buffer.from(bytes), verdict: 'invalid', reason, purchase: null };
}

/** The line number is an unknown field: it makes every line another text, and no event another event. */
function json(purchase: Purchase, line: number): string {
  const { id, customer, atMs, category, currency, unitCents, quantity, cents } = purchase;
  return (
    `{"event_id":"${id}", "timestamp":"${new Date(atMs).toISOString()}","customer_id":"${customer}",` +
    `"product_category":"${category}","quantity":${quantity},"unit_price":${amount(unitCents)},` +
    `"total_amount":${amount(cents)},"currency":"${currency}","line":${line}}`
  );
}
