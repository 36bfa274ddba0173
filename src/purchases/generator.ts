/** Purchases that could be real, made from a seed. */
import { createRandom, type Random } from '../producer/random.ts';
import type { WritableBlock } from '../producer/record-block.ts';
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
import { createHeadWriter } from './generator-head.ts';
import {
  type Customer,
  KEY_AT,
  KNOWN_END,
  makeCustomer,
  makeProducts,
  type Product,
} from './generator-shop.ts';
import { TEXT_BYTES_MAX, textBytes, TextWriter } from './generator-text.ts';

export interface PurchaseGeneratorOptions {
  /** The same seed gives the same events but for the time: `timestamp`, and the milliseconds within `event_id`. */
  readonly seed: number | string;
  /** Gives every purchase the currency of its customer's country. Left out, every currency is USD. */
  readonly localCurrencies?: boolean;
}

/** An event as a record: one JSON object without spaces, its fields in the order of the schema. */
export interface GeneratedPurchase {
  /** UTF-8 of `customer_id`. */
  readonly key: Uint8Array;
  /** UTF-8 of the JSON text. */
  readonly value: Uint8Array;
}

/** Times are whole epoch milliseconds of the years 1 to 9999. */
export interface PurchaseGenerator {
  next(timestampMs: number): GeneratedPurchase;
  /** The same event as a row of a block. */
  write(block: WritableBlock, timestampMs: number): void;
}

const DEFAULT_CURRENCY = 'USD';

const KNOWN = textBytes(KNOWN_END);
const NEW = textBytes(',"is_new_customer":true}');

/**
 * An event's text is put together from pieces that are made once. Copying a piece costs more than the bytes in it, so most
 * events are five of them: what a product costs without a discount, and how such an event ends, are pieces of their own.
 */
export function createPurchaseGenerator(options: PurchaseGeneratorOptions): PurchaseGenerator {
  const random = createRandom(options.seed);
  const { products, choose: chooseProduct } = makeProducts();
  const nextBuyer = createBuyers(random);
  const nextPayment = createPayments(random, options.localCurrencies ?? false);
  const writeHead = createHeadWriter(options.seed);
  const own = Buffer.allocUnsafeSlow(TEXT_BYTES_MAX);
  const writer = new TextWriter(own);

  /** Writes an event at the writer's place; gives where the key lies: from there, to the end of `keyBytes`. */
  const writeEvent = (timestampMs: number): number => {
    const { customer, isNew } = nextBuyer();
    const product = products[chooseProduct(random)] as Product;
    const quantity = product.quantity(random) + 1;
    const discount = drawDiscount(random);

    writeHead(writer, timestampMs);
    const keyStart = writer.at + KEY_AT;
    writer.bytes(customer.identity);
    if (discount === 0)
      writer.bytes((product.undiscounted[quantity - 1] ??= undiscounted(product, quantity)));
    else writeItem(writer, product, quantity, discount);
    writer.bytes(nextPayment(customer));
    if (discount === 0 && !isNew) writer.bytes(customer.undiscounted);
    else {
      writer.bytes(customer.location);
      writer.hundredths(discount);
      writer.bytes(isNew ? NEW : KNOWN);
    }
    keyBytes = customer.keyBytes;
    return keyStart;
  };
  let keyBytes = 0;

  return {
    next(timestampMs) {
      writer.target = own;
      writer.at = 0;
      const keyStart = writeEvent(timestampMs);
      const value = Uint8Array.prototype.slice.call(own, 0, writer.at);
      return { key: value.subarray(keyStart, keyStart + keyBytes), value };
    },
    write(block, timestampMs) {
      block.reserve(TEXT_BYTES_MAX);
      writer.target = block.bytes;
      writer.at = block.end;
      const keyStart = writeEvent(timestampMs);
      block.addRow(keyStart, keyStart + keyBytes, writer.at);
    },
  };
}

/** `"product_id":…,…,"quantity":…,"unit_price":…,"total_amount":…` */
function writeItem(writer: TextWriter, product: Product, quantity: number, discount: number): void {
  writer.bytes(product.identity);
  writer.whole(quantity);
  writer.bytes(product.price);
  writer.hundredths(discountedTotalCents(product.priceCents, quantity, discount));
}

function undiscounted(product: Product, quantity: number): Uint8Array {
  const writer = new TextWriter(Buffer.allocUnsafeSlow(TEXT_BYTES_MAX));
  writeItem(writer, product, quantity, 0);
  return Uint8Array.prototype.slice.call(writer.target, 0, writer.at);
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
