/**
 * The shop's customers and products, as pieces of the JSON text that every event is put together from. They depend on
 * their numbers alone and not on the seed of a run: a customer is the same person in every run.
 */
import { createRandom, hash32 } from '../producer/random.ts';
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
import { type Choice, createChoice, zipfWeights } from './generator-choice.ts';
import { textBytes } from './generator-text.ts';

export interface Customer {
  /** Bytes of the customer id, the record's key; it begins {@link KEY_AT} bytes into `identity`. */
  readonly keyBytes: number;
  /** `"customer_id":…,"customer_segment":…,` */
  readonly identity: Uint8Array;
  /** `"location":{…},"discount_percentage":` */
  readonly location: Uint8Array;
  /** The same with the end of an event that has no discount, as most have, and is not the customer's first. */
  readonly undiscounted: Uint8Array;
  readonly country: Country;
}

export const KEY_AT = '"customer_id":"'.length;
/** How an event ends that is not its customer's first. */
export const KNOWN_END = ',"is_new_customer":false}';

export interface Product {
  readonly category: Category;
  readonly priceCents: number;
  /** `"product_id":…,"product_name":…,"product_category":…,"quantity":` */
  readonly identity: Uint8Array;
  readonly quantity: Choice;
  /** `,"unit_price":…,"total_amount":` */
  readonly price: Uint8Array;
  /** From `identity` to the total, by quantity - 1, where nothing is discounted. Made when they are first bought. */
  readonly undiscounted: (Uint8Array | undefined)[];
}

const chooseSegment = createChoice(SEGMENTS.map(({ weight }) => weight));
const chooseBestSegment = createChoice(BEST_CUSTOMERS_SEGMENTS.map(({ weight }) => weight));
const chooseCountry = createChoice(COUNTRIES.map(({ weight }) => weight));
const CITY_SKEW = 0.7;
const chooseCity = COUNTRIES.map(({ cities }) => createChoice(zipfWeights(cities.length, CITY_SKEW)));

/** @param number from 1, in order of how much the customer buys */
export function makeCustomer(number: number): Customer {
  const random = createRandom(`customer ${number}`);
  const best = number <= BEST_CUSTOMERS;
  const segments = best ? BEST_CUSTOMERS_SEGMENTS : SEGMENTS;
  const segment = at(segments, (best ? chooseBestSegment : chooseSegment)(random)).name;
  const countryIndex = chooseCountry(random);
  const country = at(COUNTRIES, countryIndex);
  const city = at(country.cities, at(chooseCity, countryIndex)(random));
  const id = `customer_${String(number).padStart(5, '0')}`;
  const location = `"location":${JSON.stringify({ country: country.name, city })},"discount_percentage":`;
  return {
    keyBytes: id.length,
    identity: textBytes(`"customer_id":"${id}","customer_segment":"${segment}",`),
    location: textBytes(location),
    undiscounted: textBytes(`${location}0.00${KNOWN_END}`),
    country,
  };
}

/** Every product, with the choice that draws one as often as it is bought. */
export function makeProducts(): { readonly products: readonly Product[]; readonly choose: Choice } {
  const ranks = zipfWeights(PRODUCTS_PER_CATEGORY, PRODUCT_SKEW);
  const rankSum = ranks.reduce((sum, weight) => sum + weight, 0);
  const products: Product[] = [];
  const weights: number[] = [];
  CATEGORIES.forEach((category, categoryIndex) => {
    const quantity = createChoice(category.quantityWeights);
    ranks.forEach((rank, index) => {
      products.push(makeProduct(category, index + 1, priceCents(category, categoryIndex, index), quantity));
      weights.push((category.weight * rank) / rankSum);
    });
  });
  return { products, choose: createChoice(weights) };
}

function makeProduct(category: Category, number: number, cents: number, quantity: Choice): Product {
  const { name } = category;
  return {
    category,
    priceCents: cents,
    identity: textBytes(
      `"product_id":"product_${name.toLowerCase()}_${number}","product_name":"${name} Item ${number}",` +
        `"product_category":"${name}","quantity":`,
    ),
    quantity,
    price: textBytes(`,"unit_price":${(cents / 100).toFixed(2)},"total_amount":`),
    undiscounted: [],
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
