import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CATEGORIES, COUNTRIES } from '../../../../src/app/purchases/generator/catalogue.ts';
import {
  createPurchaseGenerator,
  discountedTotalCents,
  type PurchaseGeneratorOptions,
} from '../../../../src/app/purchases/generator/generator.ts';
import { recordsOf, WritableBlock } from '../../../../src/producer/record-block.ts';
import { TEXT_BYTES_MAX } from '../../../../src/app/purchases/generator/text.ts';

const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 67);

interface Event {
  event_id: string;
  timestamp: string;
  customer_id: string;
  customer_segment: string;
  product_id: string;
  product_name: string;
  product_category: string;
  quantity: number;
  unit_price: number;
  total_amount: number;
  currency: string;
  location: { country: string; city: string };
  discount_percentage: number;
  is_new_customer: boolean;
}

function texts(count: number, options: PurchaseGeneratorOptions = { seed: 1 }, stepMs = 0): string[] {
  const generator = createPurchaseGenerator(options);
  return Array.from({ length: count }, (_, index) =>
    Buffer.from(generator.next(AT_MS + index * stepMs).value).toString(),
  );
}

const events = (count: number, options?: PurchaseGeneratorOptions): Event[] =>
  texts(count, options).map((text) => JSON.parse(text) as Event);

const sample = events(30_000);

function groups<K>(keyOf: (event: Event) => K): Map<K, Event[]> {
  return Map.groupBy(sample, keyOf);
}

describe('a generated purchase', () => {
  test('has the fields of the schema in their order, without spaces, with amounts at two decimals', () => {
    const decimal = String.raw`\d+\.\d\d`;
    const text = String.raw`"[^"\\]+"`;
    const form = new RegExp(
      String.raw`^\{"event_id":"purchase_${AT_MS}_[0-9a-f]{16}","timestamp":"2026-01-02T03:04:05\.067Z",` +
        String.raw`"customer_id":${text},"customer_segment":${text},"product_id":${text},"product_name":${text},` +
        String.raw`"product_category":${text},"quantity":\d+,"unit_price":${decimal},"total_amount":${decimal},` +
        String.raw`"currency":"USD","payment_method":${text},"order_source":${text},"device_type":${text},` +
        String.raw`"location":\{"country":${text},"city":${text}\},"discount_percentage":${decimal},` +
        String.raw`"is_new_customer":(true|false)\}$`,
    );
    for (const line of texts(2_000)) assert.match(line, form);
  });

  test('is keyed by its customer', () => {
    const generator = createPurchaseGenerator({ seed: 3 });
    for (let i = 0; i < 500; i += 1) {
      const { key, value } = generator.next(AT_MS);
      const event = JSON.parse(Buffer.from(value).toString()) as Event;
      assert.equal(Buffer.from(key).toString(), event.customer_id);
    }
  });

  test('keeps its bytes while others are made', () => {
    const generator = createPurchaseGenerator({ seed: 3 });
    const values = Array.from({ length: 3_000 }, () => generator.next(AT_MS).value);
    const copies = texts(3_000, { seed: 3 });
    values.forEach((value, index) => assert.equal(Buffer.from(value).toString(), copies[index]));
  });

  test('stays far below the bytes that the writer keeps free for it', () => {
    for (const text of texts(5_000)) assert.ok(Buffer.byteLength(text) < TEXT_BYTES_MAX - 200);
  });

  test('names its product after the category, at a price of that category which does not change', () => {
    for (const [id, same] of groups((event) => event.product_id)) {
      const { product_category: name, product_name: title, unit_price: price } = same[0] as Event;
      const category = CATEGORIES.find((one) => one.name === name);
      assert.ok(category);
      const number = /^product_[a-z]+_([1-9]\d*)$/.exec(id)?.[1] ?? 'none';
      assert.equal(id, `product_${name.toLowerCase()}_${number}`);
      assert.equal(title, `${name} Item ${number}`);
      assert.ok(price * 100 >= category.priceCentsMin && price * 100 <= category.priceCentsMax, `${price}`);
      assert.ok(same.every((event) => event.unit_price === price));
    }
  });

  test('costs price × quantity × (1 − discount/100), to the nearest cent', () => {
    for (const event of sample) {
      const exact =
        Math.round(event.unit_price * 100) *
        event.quantity *
        (10_000 - Math.round(event.discount_percentage * 100));
      assert.ok(
        Math.abs(Math.round(event.total_amount * 100) * 10_000 - exact) <= 5_000,
        JSON.stringify(event),
      );
    }
  });

  test('has a discount of up to 25 % in about 30 of 100 cases', () => {
    const discounts = sample.map((event) => event.discount_percentage).filter((discount) => discount > 0);
    assert.ok(Math.abs(discounts.length / sample.length - 0.3) < 0.01);
    assert.ok(discounts.every((discount) => discount <= 25));
    assert.ok(discounts.some((discount) => !Number.isInteger(discount)));
  });

  test('is mostly of one to three pieces, and never of none', () => {
    assert.ok(sample.every(({ quantity }) => Number.isInteger(quantity) && quantity >= 1 && quantity <= 10));
    assert.ok(sample.filter(({ quantity }) => quantity <= 3).length > 0.9 * sample.length);
  });

  test('comes from a customer with one segment and one place', () => {
    for (const same of groups((event) => event.customer_id).values()) {
      assert.equal(new Set(same.map((event) => event.customer_segment)).size, 1);
      assert.equal(new Set(same.map((event) => JSON.stringify(event.location))).size, 1);
      const { country, city } = (same[0] as Event).location;
      assert.ok(COUNTRIES.find((one) => one.name === country)?.cities.includes(city));
    }
  });

  test('is the first of a new customer at most once, and never after another of the same', () => {
    for (const same of groups((event) => event.customer_id).values()) {
      assert.ok(same.slice(1).every((event) => !event.is_new_customer));
    }
    const first = sample.filter((event) => event.is_new_customer).length / sample.length;
    assert.ok(first > 0.02 && first < 0.06, `${first}`);
  });

  test('belongs to a few customers and products far more often than to the others', () => {
    for (const keyOf of [(event: Event) => event.customer_id, (event: Event) => event.product_id]) {
      const counts = [...groups(keyOf).values()].map((same) => same.length).toSorted((a, b) => b - a);
      const top = counts.slice(0, Math.ceil(counts.length / 5)).reduce((sum, count) => sum + count, 0);
      assert.ok(top > 0.5 * sample.length && top < 0.95 * sample.length, `${top}`);
    }
  });

  test('has the currency of its country where that is asked for', () => {
    for (const event of events(2_000, { seed: 1, localCurrencies: true })) {
      assert.equal(event.currency, COUNTRIES.find(({ name }) => name === event.location.country)?.currency);
    }
  });
});

describe('a seed', () => {
  const withoutTime = (text: string): string =>
    text.replace(/purchase_\d+_/, 'purchase_').replace(/"timestamp":"[^"]+"/, '"timestamp"');

  test('gives the same events but for the time', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer(), fc.string()), fc.integer({ min: 1, max: 5_000 }), (seed, stepMs) => {
        const once = texts(200, { seed }).map(withoutTime);
        assert.deepEqual(texts(200, { seed }, stepMs).map(withoutTime), once);
      }),
      { numRuns: 20 },
    );
  });

  test('gives the events of earlier versions, byte for byte', () => {
    const digest = (options: PurchaseGeneratorOptions, count = 20_000): string => {
      const generator = createPurchaseGenerator(options);
      const hash = createHash('sha256');
      for (let i = 0; i < count; i += 1) {
        const { key, value } = generator.next(AT_MS + i * 7);
        hash.update(key).update(value);
      }
      return hash.digest('hex');
    };
    assert.equal(digest({ seed: 1 }), 'a5d1d904f30e267290d7597d53cb2fb63a72f52a8fc8eb12dbaf4ad1976e1e22');
    const localCurrencies = digest({ seed: 'a seed', localCurrencies: true });
    assert.equal(localCurrencies, '9a40378e7f662efd7226d248d7d34d619da88dd262bc7a6a93a2f4a1d53d0e5c');
    // Here more newcomers have come than are remembered.
    assert.equal(
      digest({ seed: 7 }, 60_000),
      'cef70e09cf14fb4495574cdf2f501fff0beaa1358c7c432105a4815c862eaa0b',
    );
  });

  test('gives the same events as rows of a block', () => {
    const single = createPurchaseGenerator({ seed: 5 });
    const generator = createPurchaseGenerator({ seed: 5 });
    const block = new WritableBlock();
    for (let round = 0; round < 3; round += 1) {
      block.clear();
      for (let i = 0; i < 1_000; i += 1) generator.write(block, AT_MS + i);
      for (const [row, { key, value }] of recordsOf(block).entries()) {
        const expected = single.next(AT_MS + row);
        assert.deepEqual(Buffer.from(value ?? []), Buffer.from(expected.value));
        assert.deepEqual(Buffer.from(key ?? []), Buffer.from(expected.key));
      }
      assert.equal(block.count, 1_000);
    }
  });

  test('gives other events than another seed', () => {
    const one = new Set(texts(200, { seed: 1 }).map(withoutTime));
    assert.ok(texts(200, { seed: 2 }).every((text) => !one.has(withoutTime(text))));
  });

  test('gives nothing but different ids within one millisecond, and none of another seed', () => {
    const ids = new Set<string>();
    for (const seed of ['a', 'b']) {
      const generator = createPurchaseGenerator({ seed });
      for (let i = 0; i < 100_000; i += 1) {
        ids.add(Buffer.from(generator.next(AT_MS).value.subarray(13, 52)).toString('latin1'));
      }
    }
    assert.equal(ids.size, 200_000);
  });
});

describe('a time', () => {
  test('stands in the id and in ISO 8601 alike, before and after 1970, too', () => {
    const times = [0, 7, 999, 1_000, -1, -86_400_001, 253_402_300_799_999, AT_MS];
    const generator = createPurchaseGenerator({ seed: 1 });
    for (const timeMs of [...times, ...times.toReversed()]) {
      const event = JSON.parse(Buffer.from(generator.next(timeMs).value).toString()) as Event;
      assert.equal(event.timestamp, new Date(timeMs).toISOString());
      assert.ok(event.event_id.startsWith(`purchase_${timeMs}_`), event.event_id);
    }
  });
});

test('a total rounds halves up and is exact for every price, quantity and discount', () => {
  assert.equal(discountedTotalCents(5, 1, 1_000), 5);
  assert.equal(discountedTotalCents(1, 1, 5_000), 1);
  fc.assert(
    fc.property(
      fc.nat(200_000),
      fc.integer({ min: 1, max: 10_000 }),
      fc.nat(10_000),
      (price, quantity, discount) => {
        const exact = BigInt(price) * BigInt(quantity) * BigInt(10_000 - discount);
        assert.equal(BigInt(discountedTotalCents(price, quantity, discount)), (exact + 5_000n) / 10_000n);
      },
    ),
  );
});
