/** The shop that generated purchases come from. Frozen data: what it sells, to whom, and how often. */

export interface Category {
  readonly name: string;
  /** Prices of its products lie between these, in cents. */
  readonly priceCentsMin: number;
  readonly priceCentsMax: number;
  /** Its part of all purchases, in proportion to the other categories. */
  readonly weight: number;
  /** How often 1, 2, 3, … of a product are bought at once, in proportion. */
  readonly quantityWeights: readonly number[];
}

export const CATEGORIES: readonly Category[] = Object.freeze([
  category('Electronics', 50, 2_000, 14, [88, 9, 3]),
  category('Clothing', 20, 300, 22, [64, 23, 9, 3, 1]),
  category('Books', 10, 80, 16, [70, 19, 7, 3, 1]),
  category('Home', 25, 500, 15, [72, 17, 6, 4, 1]),
  category('Sports', 15, 400, 11, [76, 16, 5, 2, 1]),
  category('Food', 5, 100, 22, [42, 25, 14, 7, 4, 4, 1, 1, 1, 1]),
]);

function category(
  name: string,
  priceMin: number,
  priceMax: number,
  weight: number,
  quantityWeights: readonly number[],
): Category {
  return Object.freeze({
    name,
    priceCentsMin: priceMin * 100,
    priceCentsMax: priceMax * 100,
    weight,
    quantityWeights: Object.freeze(quantityWeights),
  });
}

/** Products of each category. */
export const PRODUCTS_PER_CATEGORY = 60;
/** The n-th best seller of a category sells in proportion to 1 / n^0.9. */
export const PRODUCT_SKEW = 0.9;

/** Customers who buy again and again; the n-th best buys in proportion to 1 / n^0.8, so a fifth makes two thirds. */
export const REGULAR_CUSTOMERS = 20_000;
export const CUSTOMER_SKEW = 0.8;
/** Part of the purchases that are somebody's first. As many come from the last newcomers, who are coming back. */
export const FIRST_PURCHASE_SHARE = 0.04;
export const RETURNING_NEWCOMER_SHARE = 0.04;
export const REMEMBERED_NEWCOMERS = 1_024;

/** Segments with their part of the customers; the best customers are Premium far more often. */
export const SEGMENTS: readonly Weighted[] = weighted([
  ['Premium', 12],
  ['Standard', 53],
  ['Basic', 35],
]);
export const BEST_CUSTOMERS = 500;
export const BEST_CUSTOMERS_SEGMENTS: readonly Weighted[] = weighted([
  ['Premium', 60],
  ['Standard', 34],
  ['Basic', 6],
]);

export interface Weighted {
  readonly name: string;
  readonly weight: number;
}

function weighted(pairs: readonly (readonly [string, number])[]): readonly Weighted[] {
  return Object.freeze(pairs.map(([name, weight]) => Object.freeze({ name, weight })));
}

export const PAYMENT_METHODS = weighted([
  ['credit_card', 42],
  ['debit_card', 22],
  ['paypal', 17],
  ['apple_pay', 8],
  ['google_pay', 5],
  ['bank_transfer', 4],
  ['gift_card', 2],
]);

export interface Channel {
  readonly orderSource: string;
  readonly deviceType: string;
  readonly weight: number;
}

/** Where an order comes from, with the devices that can be there. */
export const CHANNELS: readonly Channel[] = Object.freeze([
  { orderSource: 'web', deviceType: 'desktop', weight: 30 },
  { orderSource: 'web', deviceType: 'mobile', weight: 16 },
  { orderSource: 'web', deviceType: 'tablet', weight: 5 },
  { orderSource: 'mobile_app', deviceType: 'mobile', weight: 33 },
  { orderSource: 'mobile_app', deviceType: 'tablet', weight: 4 },
  { orderSource: 'store', deviceType: 'pos_terminal', weight: 9 },
  { orderSource: 'phone', deviceType: 'desktop', weight: 3 },
]);

/** Part of the purchases that have a discount. */
export const DISCOUNT_SHARE = 0.3;
/** Round discounts that a shop announces, in hundredths of a per cent; the rest are coupons of any size up to 25 %. */
export const ANNOUNCED_DISCOUNTS: readonly number[] = Object.freeze([500, 1_000, 1_500, 2_000, 2_500]);
export const ANNOUNCED_DISCOUNT_SHARE = 0.8;
export const DISCOUNT_HUNDREDTHS_MAX = 2_500;

export interface Country {
  readonly name: string;
  /** Its own currency; only such as have two decimals. */
  readonly currency: string;
  readonly weight: number;
  /** From the one with the most customers down. */
  readonly cities: readonly string[];
}

export const COUNTRIES: readonly Country[] = Object.freeze([
  country('United States', 'USD', 34, ['New York', 'Los Angeles', 'Chicago', 'Houston', 'Seattle', 'Denver']),
  country('United Kingdom', 'GBP', 12, ['London', 'Manchester', 'Birmingham', 'Edinburgh']),
  country('Germany', 'EUR', 11, ['Berlin', 'Hamburg', 'München', 'Köln', 'Düsseldorf']),
  country('France', 'EUR', 9, ['Paris', 'Lyon', 'Marseille', 'Orléans']),
  country('Canada', 'CAD', 7, ['Toronto', 'Montréal', 'Vancouver', 'Québec']),
  country('Brazil', 'BRL', 6, ['São Paulo', 'Rio de Janeiro', 'Brasília']),
  country('Spain', 'EUR', 5, ['Madrid', 'Barcelona', 'Málaga']),
  country('Australia', 'AUD', 5, ['Sydney', 'Melbourne', 'Brisbane']),
  country('Poland', 'PLN', 4, ['Warszawa', 'Kraków', 'Łódź']),
  country('India', 'INR', 4, ['Mumbai', 'Delhi', 'Bengaluru']),
  country('Switzerland', 'CHF', 3, ['Zürich', 'Genève', 'Bern']),
]);

function country(name: string, currency: string, weight: number, cities: readonly string[]): Country {
  return Object.freeze({ name, currency, weight, cities: Object.freeze(cities) });
}
