/** Purchases that could be real, made from a seed. */
import { createRandom, type Random } from '../../../producer/random.ts';
import type { WritableBlock } from '../../../producer/record-block.ts';
import {
  ANNOUNCED_DISCOUNT_SHARE,
  ANNOUNCED_DISCOUNTS,
  CHANNELS,
  COUNTRIES,
  DISCOUNT_HUNDREDTHS_MAX,
  DISCOUNT_SHARE,
  PAYMENT_METHODS,
} from './catalogue.ts';
import { Buyers } from './buyers.ts';
import { createChoice } from './choice.ts';
import { createHeadWriter, KEY_START_BYTES } from './head.ts';
import {
  CUSTOMER_PLACES,
  type CustomerKind,
  KNOWN_END,
  makeCustomerKinds,
  makeProducts,
  type Product,
} from './shop.ts';
import { TEXT_BYTES_MAX, TextPieces, TextWriter, viewOf } from './text.ts';

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

const NEW_END = ',"is_new_customer":true}';

/**
 * An event's text is put together from pieces that are made once. Copying a piece costs more than the bytes in it, so most
 * events are five of them: what a product costs without a discount, and how such an event ends, are pieces of their own.
 */
export function createPurchaseGenerator(options: PurchaseGeneratorOptions): PurchaseGenerator {
  const random = createRandom(options.seed);
  const pieces = new TextPieces();
  const known = pieces.add(KNOWN_END);
  const firstOfCustomer = pieces.add(NEW_END);
  const { products, choose: chooseProduct } = makeProducts(pieces);
  const { kinds, kindOf } = makeCustomerKinds(pieces);
  const buyers = new Buyers(random, kindOf);
  const nextPayment = createPayments(random, pieces, options.localCurrencies ?? false);
  const writeHead = createHeadWriter(options.seed);
  const own = Buffer.allocUnsafeSlow(TEXT_BYTES_MAX);
  const ownView = viewOf(own);
  const writer = new TextWriter(pieces, ownView);
  let keyEnd = 0;

  /** Writes an event at the writer's place; gives where its key starts, which goes to `keyEnd`. */
  const writeEvent = (timestampMs: number): number => {
    buyers.next();
    const kind = kinds[buyers.kind] as CustomerKind;
    const product = products[chooseProduct(random)] as Product;
    const quantity = product.quantity(random) + 1;
    const discount = drawDiscount(random);

    writeHead(writer, timestampMs);
    const keyStart = writer.at - KEY_START_BYTES;
    writer.whole(buyers.customer, CUSTOMER_PLACES);
    keyEnd = writer.at;
    writer.piece(kind.segment);
    if (discount === 0) writer.piece(product.undiscounted[quantity - 1] as number);
    else writeItem(writer, product, quantity, discount);
    writer.piece(nextPayment(kind));
    if (discount === 0 && !buyers.isNew) writer.piece(kind.undiscounted);
    else {
      writer.piece(kind.location);
      writer.hundredths(discount);
      writer.piece(buyers.isNew ? firstOfCustomer : known);
    }
    return keyStart;
  };

  return {
    next(timestampMs) {
      writer.target = ownView;
      writer.at = 0;
      const keyStart = writeEvent(timestampMs);
      const value = Uint8Array.prototype.slice.call(own, 0, writer.at);
      return { key: value.subarray(keyStart, keyEnd), value };
    },
    write(block, timestampMs) {
      block.reserve(TEXT_BYTES_MAX);
      writer.target = block.view;
      writer.at = block.end;
      const keyStart = writeEvent(timestampMs);
      block.addRow(keyStart, keyEnd, writer.at);
    },
  };
}

/** `"product_id":…,…,"quantity":…,"unit_price":…,"total_amount":…` */
function writeItem(writer: TextWriter, product: Product, quantity: number, discount: number): void {
  writer.piece(product.identity);
  writer.whole(quantity);
  writer.piece(product.price);
  writer.hundredths(discountedTotalCents(product.priceCents, quantity, discount));
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

/** `,"currency":…,"payment_method":…,"order_source":…,"device_type":…,`: every combination, as often as it occurs. */
function createPayments(
  random: Random,
  pieces: TextPieces,
  localCurrencies: boolean,
): (kind: CustomerKind) => number {
  const combinations = PAYMENT_METHODS.flatMap((payment) =>
    CHANNELS.map((channel) => ({ payment, channel, weight: payment.weight * channel.weight })),
  );
  const choose = createChoice(combinations.map(({ weight }) => weight));
  const piecesIn = (currency: string): number[] =>
    combinations.map(({ payment, channel }) =>
      pieces.add(
        `,"currency":"${currency}","payment_method":"${payment.name}",` +
          `"order_source":"${channel.orderSource}","device_type":"${channel.deviceType}",`,
      ),
    );
  const inDefault = piecesIn(DEFAULT_CURRENCY);
  if (!localCurrencies) return () => inDefault[choose(random)] as number;
  const inLocal = new Map(COUNTRIES.map(({ currency }) => [currency, piecesIn(currency)]));
  return ({ country }) => (inLocal.get(country.currency) as number[])[choose(random)] as number;
}
