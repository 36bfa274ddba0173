/** The purchase event: its fields in the order in which problems are looked for. The rules are in `rules.ts`. */
import { optional, required, schema, types } from '../../columns/schema/schema.ts';
import { MONEY_DECIMALS } from './currencies.ts';

const money = types.decimal(18, MONEY_DECIMALS);
/** Text that groups are made of, or that is one of a list: its rules bound it, since every distinct value is kept. */
const word = types.string({ dictionary: true });
const text = types.string();

export const PURCHASE_SCHEMA = schema([
  required(
    'event_id',
    text,
    'Names the event: two events with one id are the same purchase. 1 to 128 characters.',
  ),
  required('timestamp', types.timestamp(), 'When the purchase happened: ISO 8601 (RFC 3339) with its zone.'),
  required('customer_id', text, "Who bought; the record's key, so one customer's purchases stay in order."),
  optional('customer_segment', word, 'Premium, Standard or Basic.'),
  optional('product_id', text, 'Names the product.'),
  optional('product_name', text, 'What the product is called.'),
  required(
    'product_category',
    word,
    'What the totals are broken down by, such as Electronics or Books. At most 256 characters.',
  ),
  required('quantity', types.int(), 'How many pieces, 1 to 10,000.'),
  required('unit_price', money, 'The price of one piece before the discount, in the currency.'),
  required('total_amount', money, 'What was paid: price × quantity × (1 − discount/100), within 0.01.'),
  required('currency', word, 'ISO 4217 code of a currency with two decimals.'),
  optional('payment_method', text, 'How it was paid, such as credit_card.'),
  optional('order_source', text, 'Where it was ordered, such as web or mobile_app.'),
  optional('device_type', text, 'What it was ordered with, such as desktop.'),
  optional(
    'location',
    types.struct([
      optional('country', text, 'The country of the purchase.'),
      optional('city', text, 'The city of the purchase.'),
    ]),
    'Where the purchase was made.',
  ),
  optional(
    'discount_percentage',
    types.decimal(5, 2),
    'Taken off the price, in percent, 0 to 100; absent is 0.',
  ),
  optional('is_new_customer', types.boolean(), "Whether it is the customer's first purchase."),
]);
