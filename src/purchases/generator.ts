/** Purchases that could be real, made from a seed. */
import { createRandom, type Random } from '../producer/random.ts';
import {
  ANNOUNCED_DISCOUNT_SHARE,
  ANNOUNCED_DISCOUNTS,
  CHANNELS,
  COUNTRIES,
  CUSTOMER_SKEW,
  DISCOUNT_HUNDREDTHS_MAX,
  DISCOUNT_SHARE,
  FIRST_PURCHASE_SHARE,
  PAYMENT_METHODS,
  REGULAR_CUSTOMERS,
  REMEMBERED_NEWCOMERS,
  RETURNING_NEWCOMER_SHARE,
} from './catalogue.ts';
import { createChoice, zipfWeights } from './generator-choice.ts';
import { createIdSequence } from './generator-id.ts';
import { type Customer, makeCustomer, makeProducts } from './generator-shop.ts';
import { createTextWriter, createTimeWriter, textBytes } from './generator-text.ts';

export interface PurchaseGeneratorOptions {
  /** The same seed gives the same events but for the time: `timestamp`, and the milliseconds within `event_id`. */
  readonly seed: number | string;
  /** Gives every purchase the currency of its customer's country. Left out, every currency is USD. */
  readonly localCurrencies?: boolean;
}

/** An event as a record: one JSON object without spaces, its fields in the order of the schema. */
export interface GeneratedPurchase {
  /** UTF-8 of `customer_id`; the same array for every event of a customer. */
  readonly key: Uint8Array;
  /** UTF-8 of the JSON text. */
  readonly value: Uint8Array;
}

export interface PurchaseGenerator {
  /** @param timestampMs the event's time in whole epoch milliseconds, of the years 1 to 9999 */
  next(timestampMs: number): GeneratedPurchase;
}

const DEFAULT_CURRENCY = 'USD';

const PIECES = {
  beforeId: textBytes('{"event_id":"purchase_'),
  withinId: textBytes('_'),
  beforeTimestamp: textBytes('","timestamp":"'),
  afterTimestamp: textBytes('",'),
  known: textBytes(',"is_new_customer":false}'),
  new: textBytes(',"is_new_customer":true}'),
};

/** A record costs one object and one view of a shared block of bytes; the pieces of its text are made once. */
export function createPurchaseGenerator(options: PurchaseGeneratorOptions): PurchaseGenerator {
  const random = createRandom(options.seed);
  const { products, choose: chooseProduct } = makeProducts();
  const nextBuyer = createBuyers(random);
  const nextPayment = createPayments(random, options.localCurrencies ?? false);
  const writer = createTextWriter();
  const writeNextId = createIdSequence(options.seed);
  const time = createTimeWriter(writer);

  return {
    next(timestampMs) {
      const { customer, isNew } = nextBuyer();
      const product = products[chooseProduct(random)] as (typeof products)[number];
      const quantity = product.quantity(random) + 1;
      const discount = drawDiscount(random);

      writer.bytes(PIECES.beforeId);
      time.epochMs(timestampMs);
      writer.bytes(PIECES.withinId);
      writeNextId(writer);
      writer.bytes(PIECES.beforeTimestamp);
      time.iso(timestampMs);
      writer.bytes(PIECES.afterTimestamp);
      writer.bytes(customer.identity);
      writer.bytes(product.identity);
      writer.whole(quantity);
      writer.bytes(product.price);
      writer.hundredths(discountedTotalCents(product.priceCents, quantity, discount));
      writer.bytes(nextPayment(customer));
      writer.bytes(customer.location);
      writer.hundredths(discount);
      writer.bytes(isNew ? PIECES.new : PIECES.known);
      return { key: customer.key, value: writer.end() };
    },
  };
}

/**
 * price × quantity × (1 − discount/100) in whole cents, halves rounded up: exact, and so within half a cent of the rule.
 * @param discountHundredths in hundredths of a per cent
 */
export function discountedTotalCents(
  priceCents: number,
  quantity: number,
  discountHundredths: number,
): number {
  return Math.floor((priceCents * quantity * (10_000 - discountHundredths) + 5_000) / 10_000);
}

/** In hundredths of a per cent; 0 is none. */
function drawDiscount(random: Random): number {
  if (random.unit() >= DISCOUNT_SHARE) return 0;
  if (random.unit() < ANNOUNCED_DISCOUNT_SHARE) {
    return ANNOUNCED_DISCOUNTS[random.below(ANNOUNCED_DISCOUNTS.length)] as number;
  }
  return 1 + random.below(DISCOUNT_HUNDREDTHS_MAX);
}

interface Buyer {
  readonly customer: Customer;
  readonly isNew: boolean;
}

/** Who buys next: mostly a regular customer, now and then somebody for the first time, or one who came lately. */
function createBuyers(random: Random): () => Buyer {
  const chooseRegular = createChoice(zipfWeights(REGULAR_CUSTOMERS, CUSTOMER_SKEW));
  // Made when they first buy: a start should not wait for twenty thousand customers of whom it needs a few.
  const regulars: (Buyer | undefined)[] = Array.from({ length: REGULAR_CUSTOMERS });
  const newcomers: Buyer[] = [];
  let newcomerCount = 0;

  const welcome = (): Buyer => {
    const customer = makeCustomer(REGULAR_CUSTOMERS + newcomerCount + 1);
    newcomers[newcomerCount % REMEMBERED_NEWCOMERS] = { customer, isNew: false };
    newcomerCount += 1;
    return { customer, isNew: true };
  };

  return () => {
    const draw = random.unit();
    if (draw < FIRST_PURCHASE_SHARE) return welcome();
    if (draw < FIRST_PURCHASE_SHARE + RETURNING_NEWCOMER_SHARE && newcomers.length > 0) {
      return newcomers[random.below(newcomers.length)] as Buyer;
    }
    const index = chooseRegular(random);
    let buyer = regulars[index];
    if (buyer === undefined) {
      buyer = { customer: makeCustomer(index + 1), isNew: false };
      regulars[index] = buyer;
    }
    return buyer;
  };
}

/** `,"currency":…,"payment_method":…,"order_source":…,"device_type":…,`: every combination, as often as it occurs. */
function createPayments(random: Random, localCurrencies: boolean): (customer: Customer) => Uint8Array {
  const combinations = PAYMENT_METHODS.flatMap((payment) =>
    CHANNELS.map((channel) => ({ payment, channel, weight: payment.weight * channel.weight })),
  );
  const choose = createChoice(combinations.map(({ weight }) => weight));
  const piecesIn = (currency: string): Uint8Array[] =>
    combinations.map(({ payment, channel }) =>
      textBytes(
        `,"currency":"${currency}","payment_method":"${payment.name}",` +
          `"order_source":"${channel.orderSource}","device_type":"${channel.deviceType}",`,
      ),
    );
  const currencies = localCurrencies ? COUNTRIES.map(({ currency }) => currency) : [DEFAULT_CURRENCY];
  const pieces = new Map(currencies.map((currency) => [currency, piecesIn(currency)]));
  return (customer) => {
    const currency = localCurrencies ? customer.country.currency : DEFAULT_CURRENCY;
    return (pieces.get(currency) as Uint8Array[])[choose(random)] as Uint8Array;
  };
}
