/** The purchase event: its fields in the order in which they are checked. The rules are in `rules.ts`. */
import { optional, required, schema, types } from '../../columns/schema/schema.ts';
import { MONEY_DECIMALS } from './currencies.ts';

const money = types.decimal(18, MONEY_DECIMALS);
/** Text that is a key of groups, or one of a list. Its rules limit it, since every distinct value is kept. */
const word = types.string({ dictionary: true });
const text = types.string();

export const PURCHASE_SCHEMA = schema([
  required(
    'event_id',
    text,
    'Identifies the event: two events with the same id are the same purchase. 1 to 128 characters.',
  ),
  required('timestamp', types.timestamp(), 'Time of the purchase: ISO 8601 (RFC 3339) with its zone.'),
  required(
    'customer_id',
    text,
    "The customer; also the record's key, so a customer's purchases stay in order.",
  ),
  optional('customer_segment', word, 'Premium, Standard or Basic.'),
  optional('product_id', text, 'Identifies the product.'),
  optional('product_name', text, 'Name of the product.'),
  required(
    'product_category',
    word,
    'Category in the totals, such as Electronics or Books. At most 256 characters.',
  ),
  required('quantity', types.int(), 'Number of pieces, 1 to 10,000.'),
  required('unit_price', money, 'Price of one piece before the discount, in the currency.'),
  required('total_amount', money, 'Amount paid: price × quantity × (1 − discount/100), within 0.01.'),
  required('currency', word, 'ISO 4217 code of a currency with two decimals.'),
  optional('payment_method', text, 'Payment method, such as credit_card.'),
  optional('order_source', text, 'Sales channel, such as web or mobile_app.'),
  optional('device_type', text, 'Device of the order, such as desktop.'),
  optional(
    'location',
    types.struct([
      optional('country', text, 'Country of the purchase.'),
      optional('city', text, 'City of the purchase.'),
    ]),
    'Place of the purchase.',
  ),
  optional('discount_percentage', types.decimal(5, 2), 'Discount in percent, 0 to 100; 0 if absent.'),
  optional('is_new_customer', types.boolean(), "Whether it is the customer's first purchase."),
]);
