/**
 * A file of purchases with the verdict that each line must get and the totals that must come out, worked out here from
 * the written meaning of late, duplicate and exact, with whole numbers alone and none of the product's code.
 */
import { Dice, Hundredths, Verbatim, Whole, writeObject, type Fields, type Value } from './json-writer.ts';

export type Verdict = 'accepted' | 'DUPLICATE' | 'LATE' | 'CONFLICTING_DUPLICATE' | InvalidReason;

const INVALID_REASONS = [
  'MALFORMED_JSON',
  'INVALID_UTF8',
  'MISSING_FIELD',
  'WRONG_TYPE',
  'OUT_OF_RANGE',
  'AMOUNT_MISMATCH',
  'FUTURE_TIMESTAMP',
  'TOO_LARGE',
  'EMPTY',
] as const;
export type InvalidReason = (typeof INVALID_REASONS)[number];

/** The meaning of a purchase, however it is written. */
interface Purchase {
  readonly id: string;
  readonly micros: number;
  readonly customer: string;
  readonly category: string;
  readonly currency: string;
  readonly priceCents: bigint;
  readonly quantity: number;
  /** In hundredths of a per cent; null is none. */
  readonly discount: bigint | null;
  readonly totalCents: bigint;
  readonly payment: string | null;
}

export interface ExpectedTotals {
  readonly runningTotals: { currency: string; total: string; transactions: number }[];
  readonly days: { date: string; currency: string; total: string; transactions: number }[];
  readonly categories: {
    date: string;
    currency: string;
    category: string;
    total: string;
    transactions: number;
  }[];
}

export interface PurchaseFile {
  /** The lines without their line feeds. */
  readonly lines: readonly Buffer[];
  /** By line. */
  readonly verdicts: readonly Verdict[];
  /** The totals of days that begin this many hours before those of UTC. */
  totals(hoursEast: number): ExpectedTotals;
}

const SECOND = 1_000_000;
const HOUR = 3600 * SECOND;
const DELAY = HOUR;
const START = Date.UTC(2024, 5, 20) * 1000;

const CATEGORIES = [
  'Electronics',
  'Books',
  'Home & "Garden"',
  '__proto__',
  'constructor',
  'toString',
  'Bücher',
  '食品',
  '🛒',
  'a/b\\c',
  'Tab\there',
  '',
];
const CURRENCIES = ['USD', 'USD', 'USD', 'EUR', 'GBP', 'CHF', 'IDR'];
const CUSTOMERS = Array.from({ length: 500 }, (_, index) => `kunde-ü-${index}`);

export interface FileOptions {
  readonly seed: number;
  readonly lines: number;
  /** Whether some are so old that they are late, which depends on what else lies in their partition. */
  readonly late: boolean;
}

export function makePurchaseFile({ seed, lines: count, late }: FileOptions): PurchaseFile {
  const dice = new Dice(seed);
  const judge = new Judge();
  const lines: Buffer[] = [];
  const verdicts: Verdict[] = [];
  const put = (line: Buffer | string, verdict: Verdict): void => {
    lines.push(typeof line === 'string' ? Buffer.from(line) : line);
    verdicts.push(verdict);
  };
  const putPurchase = (purchase: Purchase): void => put(write(purchase, dice), judge.verdict(purchase));
  // Five days and a half, so that every zone has several days and none of them ends with the file.
  const step = (132 * HOUR) / count;
  const recent: Purchase[] = [];
  const all: Purchase[] = [];

  for (const purchase of tied()) putPurchase(purchase);
  while (lines.length < count) {
    const now = START + Math.floor(lines.length * step);
    const draw = dice.unit();
    const picked = recent.length > 200 ? dice.pick(recent) : undefined;
    // Remembered in every partition, whichever of them is ahead.
    const known = picked !== undefined && picked.micros >= now - 110 * 60 * SECOND ? picked : undefined;
    if (draw < 0.03 && known !== undefined) putPurchase(known);
    else if (draw < 0.04 && known !== undefined) putPurchase(conflicting(known, dice));
    else if (draw < 0.07) {
      const reason = invalidReason(dice, lines.length);
      put(writeInvalid(reason, newPurchase(dice, lines.length, now), dice), reason);
    } else if (draw < 0.085 && late) putPurchase(lateOne(dice, lines.length, judge.newest));
    else {
      const purchase = newPurchase(dice, lines.length, now - jitter(dice));
      putPurchase(purchase);
      recent.push(purchase);
      all.push(purchase);
      if (recent.length > 400) recent.shift();
    }
  }
  return { lines, verdicts, totals: (hoursEast) => judge.totals(hoursEast) };
}

/** Three equal totals of one day and currency, whose order is by code point and not by UTF-16 unit. */
function tied(): Purchase[] {
  return ['😀', '\uff21', 'Z'].map((category, index) => ({
    id: `tied-${index}`,
    micros: START + index,
    customer: CUSTOMERS[0] as string,
    category,
    currency: 'SEK',
    priceCents: 500n,
    quantity: 1,
    discount: null,
    totalCents: 500n,
    payment: null,
  }));
}

/** Out of order, but never so far back that it could be late. */
function jitter(dice: Dice): number {
  return dice.chance(0.3) ? dice.below(50 * 60 * SECOND) : dice.below(SECOND);
}

function newPurchase(dice: Dice, number: number, micros: number): Purchase {
  const priceCents = dice.chance(0.001)
    ? 999_999_999_999_990_000n + BigInt(dice.below(1000))
    : BigInt(dice.below(dice.chance(0.1) ? 1_000_000 : 20_000));
  const quantity = priceCents > 10n ** 12n ? 1 : dice.pick([1, 1, 1, 2, 3, 10, 100, 10_000]);
  const discount = dice.chance(0.3) ? BigInt(dice.below(10_001)) : null;
  const exact = priceCents * BigInt(quantity) * (10_000n - (discount ?? 0n));
  const rounded = (exact + 5_000n) / 10_000n;
  // A cent more or less is within the tolerance where the product itself is whole.
  const off = discount === null && rounded > 0n && rounded < 10n ** 17n ? BigInt(dice.below(3) - 1) : 0n;
  return {
    id: `bestellung-${number}-é😀`,
    micros,
    customer: dice.pick(CUSTOMERS),
    category: dice.pick(CATEGORIES),
    currency: priceCents > 10n ** 12n ? 'IDR' : dice.pick(CURRENCIES),
    priceCents,
    quantity,
    discount,
    totalCents: rounded + off,
    payment: dice.pick([null, 'credit_card', 'überweisung']),
  };
}

/** The same id, and in one of several ways another purchase. */
function conflicting(purchase: Purchase, dice: Dice): Purchase {
  switch (dice.below(4)) {
    case 0:
      return { ...purchase, payment: `${purchase.payment ?? ''}!` };
    case 1:
      return { ...purchase, category: `${purchase.category}2` };
    case 2:
      return { ...purchase, micros: purchase.micros - 1 };
    default:
      return {
        ...purchase,
        priceCents: 100n,
        quantity: 1,
        discount: null,
        totalCents: 101n,
        currency: 'AED',
      };
  }
}

/** Around the bound to the microsecond, and far behind it. */
function lateOne(dice: Dice, number: number, newest: number): Purchase {
  const back = dice.pick([DELAY, DELAY + 1, DELAY + 1 + dice.below(HOUR), 3 * HOUR]);
  return newPurchase(dice, number, newest - back);
}

function invalidReason(dice: Dice, line: number): InvalidReason {
  // A megabyte each, so only a few.
  return line % 20_000 < 100 && dice.chance(0.3)
    ? 'TOO_LARGE'
    : dice.pick(INVALID_REASONS.filter((reason) => reason !== 'TOO_LARGE'));
}

function writeInvalid(reason: InvalidReason, purchase: Purchase, dice: Dice): Buffer | string {
  const fields = fieldsOf(purchase, dice);
  switch (reason) {
    case 'MALFORMED_JSON': {
      const text = writeObject(fields, dice);
      return dice.pick([text.slice(0, -1), `${text}}`, `\ufeff${text}`, `${text.slice(0, -1)},}`, 'NaN']);
    }
    case 'INVALID_UTF8':
      return Buffer.concat([Buffer.from('{"event_id":"'), Buffer.from([0xc3]), Buffer.from('"}')]);
    case 'MISSING_FIELD': {
      const name = dice.pick(['event_id', 'timestamp', 'customer_id', 'product_category', 'currency']);
      return writeObject(
        dice.chance(0.5) ? replaced(fields, name, null) : fields.filter(([field]) => field !== name),
        dice,
      );
    }
    case 'WRONG_TYPE':
      return writeObject(
        dice.pick([
          replaced(fields, 'total_amount', '12.00'),
          replaced(fields, 'is_new_customer', 'true'),
          replaced(fields, 'timestamp', '2024-06-21T10:00:00'),
          replaced(fields, 'location', 'Berlin'),
        ]),
        dice,
      );
    case 'OUT_OF_RANGE':
      return writeObject(
        dice.pick([
          replaced(fields, 'unit_price', new Verbatim('1.001')),
          replaced(fields, 'quantity', new Verbatim(dice.pick(['0', '10001', '1.5', '-1']))),
          replaced(fields, 'currency', dice.pick(['JPY', 'usd', 'XXX'])),
          replaced(fields, 'timestamp', '2023-02-29T10:00:00Z'),
          replaced(fields, 'discount_percentage', new Verbatim('100.01')),
        ]),
        dice,
      );
    case 'AMOUNT_MISMATCH':
      return writeObject(replaced(fields, 'total_amount', new Hundredths(amountOf(purchase) + 2n)), dice);
    case 'FUTURE_TIMESTAMP':
      return writeObject(replaced(fields, 'timestamp', '2999-01-01T00:00:00Z'), dice);
    case 'TOO_LARGE':
      return writeObject([...fields, ['padding', 'x'.repeat(1024 * 1024)]]);
    case 'EMPTY':
      return '';
  }
}

function amountOf({ priceCents, quantity, discount }: Purchase): bigint {
  return (priceCents * BigInt(quantity) * (10_000n - (discount ?? 0n)) + 5_000n) / 10_000n;
}

function replaced(fields: Fields, name: string, value: Value): Fields {
  return [...fields.filter(([field]) => field !== name), [name, value]];
}

/** Written anew each time, so that a repeated purchase has other spacing, other escapes and other unknown fields. */
function write(purchase: Purchase, dice: Dice): string {
  const fields = fieldsOf(purchase, dice);
  const text = writeObject([...fields, ...unknownFields(dice)], dice);
  // A wrong value for a field, which a second one of the same name then replaces.
  return dice.chance(0.02) ? `{"total_amount":"none","location":{"city":7},${text.slice(1)}` : text;
}

function fieldsOf(purchase: Purchase, dice: Dice): Fields {
  const { discount, payment } = purchase;
  return [
    ['event_id', purchase.id],
    ['timestamp', writeInstant(purchase.micros, dice)],
    ['customer_id', purchase.customer],
    ['customer_segment', 'Basic'],
    ['product_id', null],
    ['product_category', purchase.category],
    ['quantity', new Whole(purchase.quantity)],
    ['unit_price', new Hundredths(purchase.priceCents)],
    ['total_amount', new Hundredths(purchase.totalCents)],
    ['currency', purchase.currency],
    ...(discount === null && dice.chance(0.5)
      ? []
      : ([['discount_percentage', discount === null ? null : new Hundredths(discount)]] as const)),
    ...(payment === null && dice.chance(0.5) ? [] : ([['payment_method', payment]] as const)),
    ['is_new_customer', false],
    [
      'location',
      [
        ['city', 'Köln'],
        ['country', null],
        ['zip', new Verbatim('[1, {"city": 2}]')],
      ],
    ],
  ];
}

const UNKNOWN: Fields = [
  ['__proto__', [['total_amount', new Verbatim('-1')]]],
  ['constructor', new Verbatim('[[[]], {"event_id": "other"}, 1e400, null]')],
  ['event_id ', 'not the id'],
  ['EVENT_ID', new Verbatim('{"a":{"b":{"c":[true,false]}}}')],
  ['notes', 'He said: "20 % off", \\ and {"total_amount": 1}\n'],
  ['nothing', []],
  ['😀', new Verbatim('-0.0E-5')],
];

function unknownFields(dice: Dice): Fields {
  return dice.chance(0.5) ? [] : UNKNOWN.filter(() => dice.chance(0.4));
}

/** RFC 3339 in some zone, with as many decimals as the instant needs, or more. */
function writeInstant(micros: number, dice: Dice): string {
  const [sign, hours, minutes] = dice.pick([
    [1, 0, 0],
    [1, 2, 0],
    [-1, 4, 0],
    [1, 5, 45],
    [-1, 9, 30],
  ] as const);
  const local = micros + sign * (hours * 60 + minutes) * 60 * SECOND;
  const whole = Math.floor(local / SECOND);
  const base = new Date(whole * 1000).toISOString().slice(0, 19);
  const fraction = String(local - whole * SECOND).padStart(6, '0');
  const decimals =
    fraction === '000000' && dice.chance(0.7) ? '' : `.${fraction}${dice.pick(['', '', '0', '999'])}`;
  const zone =
    hours === 0
      ? dice.pick(['Z', 'z', '+00:00', '-00:00'])
      : `${sign < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
  return `${dice.chance(0.1) ? base.replace('T', 't') : base}${decimals}${zone}`;
}

/** Gives each purchase its verdict, in order of one partition, and adds up the accepted ones. */
class Judge {
  newest = -Infinity;
  private readonly known = new Map<string, { micros: number; content: string }>();
  private readonly accepted: Purchase[] = [];

  verdict(purchase: Purchase): Verdict {
    const lateBelow = this.newest - DELAY;
    const content = contentOf(purchase);
    const known = this.known.get(purchase.id);
    if (known !== undefined && known.micros + DELAY >= lateBelow) {
      return known.content === content ? 'DUPLICATE' : 'CONFLICTING_DUPLICATE';
    }
    if (purchase.micros < lateBelow) return 'LATE';
    this.known.set(purchase.id, { micros: purchase.micros, content });
    this.newest = Math.max(this.newest, purchase.micros);
    this.accepted.push(purchase);
    return 'accepted';
  }

  totals(hoursEast: number): ExpectedTotals {
    const dayOf = ({ micros }: Purchase): string =>
      new Date(Math.floor(micros / 1000) + hoursEast * 3_600_000).toISOString().slice(0, 10);
    const running = new Sums();
    const days = new Sums();
    const categories = new Sums();
    for (const purchase of this.accepted) {
      const { currency, category, totalCents } = purchase;
      const date = dayOf(purchase);
      running.add([currency], totalCents);
      days.add([date, currency], totalCents);
      categories.add([date, currency, category], totalCents);
    }
    return {
      runningTotals: running
        .inOrder()
        .map(({ key: [currency = ''], ...rest }) => ({ currency, ...measuresOf(rest) })),
      days: days
        .inOrder()
        .map(({ key: [date = '', currency = ''], ...rest }) => ({ date, currency, ...measuresOf(rest) })),
      categories: categories
        .inOrderOfTotals()
        .map(({ key: [date = '', currency = '', category = ''], ...rest }) => ({
          date,
          currency,
          category,
          ...measuresOf(rest),
        })),
    };
  }
}

function contentOf(purchase: Purchase): string {
  return JSON.stringify(purchase, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

interface Sum {
  readonly key: readonly string[];
  cents: bigint;
  transactions: number;
}

class Sums {
  private readonly sums = new Map<string, Sum>();

  add(key: readonly string[], cents: bigint): void {
    const name = JSON.stringify(key);
    const sum = this.sums.get(name) ?? { key, cents: 0n, transactions: 0 };
    sum.cents += cents;
    sum.transactions += 1;
    this.sums.set(name, sum);
  }

  inOrder(): Sum[] {
    return [...this.sums.values()].toSorted((a, b) => compareKeys(a.key, b.key));
  }

  inOrderOfTotals(): Sum[] {
    return [...this.sums.values()].toSorted(
      (a, b) =>
        compareKeys(a.key.slice(0, -1), b.key.slice(0, -1)) ||
        (a.cents === b.cents ? compareKeys(a.key.slice(-1), b.key.slice(-1)) : a.cents < b.cents ? 1 : -1),
    );
  }
}

/** By code points, whose order is that of their UTF-8 bytes. */
function compareKeys(a: readonly string[], b: readonly string[]): number {
  for (const [index, part] of a.entries()) {
    const order = Buffer.compare(Buffer.from(part), Buffer.from(b[index] as string));
    if (order !== 0) return order;
  }
  return 0;
}

function measuresOf({ cents, transactions }: Omit<Sum, 'key'>): { total: string; transactions: number } {
  return { total: `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`, transactions };
}
