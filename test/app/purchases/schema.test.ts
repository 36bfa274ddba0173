import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toDdl } from '../../../src/columns/schema/ddl.ts';
import { leavesOf } from '../../../src/columns/schema/schema.ts';
import { PURCHASE_SCHEMA } from '../../../src/app/purchases/schema.ts';

test('has the fields of the purchase event in the order of their documentation', () => {
  assert.equal(
    toDdl(PURCHASE_SCHEMA),
    [
      'event_id STRING NOT NULL',
      'timestamp TIMESTAMP NOT NULL',
      'customer_id STRING NOT NULL',
      'customer_segment STRING',
      'product_id STRING',
      'product_name STRING',
      'product_category STRING NOT NULL',
      'quantity INT NOT NULL',
      'unit_price DECIMAL(18,2) NOT NULL',
      'total_amount DECIMAL(18,2) NOT NULL',
      'currency STRING NOT NULL',
      'payment_method STRING',
      'order_source STRING',
      'device_type STRING',
      'location STRUCT<country: STRING, city: STRING>',
      'discount_percentage DECIMAL(5,2)',
      'is_new_customer BOOLEAN',
    ].join(', '),
  );
});

test('keeps text with few values in dictionaries, and ids and names as they are', () => {
  const kept = leavesOf(PURCHASE_SCHEMA).filter(
    (leaf) => leaf.type.kind === 'string' && leaf.type.dictionary,
  );
  assert.deepEqual(
    kept.map((leaf) => leaf.path),
    ['customer_segment', 'product_category', 'currency'],
  );
});

test('documents every field with a sentence', () => {
  for (const field of PURCHASE_SCHEMA.fields) assert.match(field.doc, /^[A-Z].*\.$/, field.name);
});
