/**
 * The shop's customers and products, as pieces of the JSON text that every event is put together from. They depend on
 * their numbers alone and not on the seed of a run: a customer is the same person in every run.
 */
import { createRandom, hash32 } from '../../../producer/random.ts';
import {
  BEST_CUSTOMERS,
  BEST_CUSTOMERS_SEGMENTS,
  CATEGORIES,
  type Category,
  COUNTRIES,
  type Country,
  PRODUCT_SKEW,
  PRODUCTS_PER_CATEGORY,
  SEGMENTS,
} from './catalogue.ts';
import { type Choice, createChoice, zipfWeights } from './choice.ts';
import type { TextPieces } from './text.ts';

/** How an event ends that is not its customer's first. */
export const KNOWN_END = ',"is_new_customer":false}';

/** Digits of a customer's number, at least. */
export const CUSTOMER_PLACES = 5;

/** The attributes of customers except their number; customers with equal attributes share them. */
export interface CustomerKind {
  readonly country: Country;
  /** `","customer_segment":…,`: what follows the number. */
  readonly segment: number;
  /** `"location":{…},"discount_percentage":` */
  readonly location: number;
  /** The same with the end of an event that has no discount, as most have, and is not the customer's first. */
  readonly undiscounted: number;
}

export interface Product {
  readonly category: Category;
  readonly priceCents: number;
  /** `"product_id":…,"product_name":…,"product_category":…,"quantity":` */
  readonly identity: number;
  readonly quantity: Choice;
  /** `,"unit_price":…,"total_amount":` */
  readonly price: number;
  /** From `identity` to the total, by quantity - 1, where nothing is discounted. */
  readonly undiscounted: readonly number[];
}

const chooseSegment = createChoice(SEGMENTS.map(({ weight }) => weight));
const chooseBestSegment = createChoice(BEST_CUSTOMERS_SEGMENTS.map(({ weight }) => weight));
const chooseCountry = createChoice(COUNTRIES.map(({ weight }) => weight));
const CITY_SKEW = 0.7;
const chooseCity = COUNTRIES.map(({ cities }) => createChoice(zipfWeights(cities.length, CITY_SKEW)));

/** Every kind of customer, and a function that says which of them the customer of a number is. */
export function makeCustomerKinds(pieces: TextPieces): {
  readonly kinds: readonly CustomerKind[];
  /** @param customer from 1, in order of how much the customer buys */
  readonly kindOf: (customer: number) => number;
} {
  const segments = SEGMENTS.map(({ name }) => pieces.add(`","customer_segment":"${name}",`));
  const kinds: CustomerKind[] = [];
  const firstOfCountry = COUNTRIES.map((country) => {
    const first = kinds.length;
    for (const city of country.cities) {
      const text = `"location":${JSON.stringify({ country: country.name, city })},"discount_percentage":`;
      const location = pieces.add(text);
      const undiscounted = pieces.add(`${text}0.00${KNOWN_END}`);
      for (const segment of segments) kinds.push({ country, segment, location, undiscounted });
    }
    return first;
  });
  const random = createRandom('');
  const kindOf = (customer: number): number => {
    random.reseed(`customer ${customer}`);
    const best = customer <= BEST_CUSTOMERS;
    const ranks = best ? BEST_CUSTOMERS_SEGMENTS : SEGMENTS;
    const { name } = at(ranks, (best ? chooseBestSegment : chooseSegment)(random));
    const segment = SEGMENTS.findIndex((each) => each.name === name);
    const country = chooseCountry(random);
    const city = at(chooseCity, country)(random);
    return at(firstOfCountry, country) + city * segments.length + segment;
  };
  return { kinds, kindOf };
}

/** Every product, with the choice that draws one as often as it is bought. */
export function makeProducts(pieces: TextPieces): {
  readonly products: readonly Product[];
  readonly choose: Choice;
} {
  const ranks = zipfWeights(PRODUCTS_PER_CATEGORY, PRODUCT_SKEW);
  const rankSum = ranks.reduce((sum, weight) => sum + weight, 0);
  const products: Product[] = [];
  const weights: number[] = [];
  CATEGORIES.forEach((category, categoryIndex) => {
    const quantity = createChoice(category.quantityWeights);
    ranks.forEach((rank, index) => {
      const cents = priceCents(category, categoryIndex, index);
      products.push(makeProduct(pieces, category, index + 1, cents, quantity));
      weights.push((category.weight * rank) / rankSum);
    });
  });
  return { products, choose: createChoice(weights) };
}

function makeProduct(
  pieces: TextPieces,
  category: Category,
  number: number,
  cents: number,
  quantity: Choice,
): Product {
  const { name, quantityWeights } = category;
  const identity =
    `"product_id":"product_${name.toLowerCase()}_${number}","product_name":"${name} Item ${number}",` +
    `"product_category":"${name}","quantity":`;
  const price = `,"unit_price":${(cents / 100).toFixed(2)},"total_amount":`;
  return {
    category,
    priceCents: cents,
    identity: pieces.add(identity),
    quantity,
    price: pieces.add(price),
    undiscounted: quantityWeights.map((_, index) => {
      const total = ((cents * (index + 1)) / 100).toFixed(2);
      return pieces.add(`${identity}${index + 1}${price}${total}`);
    }),
  };
}

/**
 * Even on a logarithmic scale, so that a shop has more cheap things than dear ones; most end in .99, .95 or .49, as
 * prices do. Always within the category's range.
 */
function priceCents(category: Category, categoryIndex: number, productIndex: number): number {
  const { priceCentsMin, priceCentsMax } = category;
  const draw = hash32(productIndex, categoryIndex + 1);
  const part = (draw >>> 8) / 2 ** 24;
  const cents = Math.round(priceCentsMin * (priceCentsMax / priceCentsMin) ** part);
  const ending = [99, 99, 95, 49, 90, 0][draw % 6] as number;
  const priced = draw % 7 === 0 ? cents : Math.floor(cents / 100) * 100 + ending;
  return Math.min(priceCentsMax, Math.max(priceCentsMin, priced));
}

function at<T>(values: readonly T[], index: number): T {
  return values[index] as T;
}
