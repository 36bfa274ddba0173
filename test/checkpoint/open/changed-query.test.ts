import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkChange } from '../../../src/checkpoint/open/changed-query.ts';
import { askedFingerprint } from '../../../src/checkpoint/open/identity.ts';
import { optional, schema, types } from '../../../src/columns/schema/schema.ts';
import { changeOf } from '../../../src/plan/query-change.ts';
import type { QueryPlan } from '../../../src/plan/query-plan.ts';
import { freshLocation, hasCode, open, QUERY } from '../support/batches.ts';

const queryOf = (plan: QueryPlan, logFormat = 'embedded') => ({
  fingerprint: askedFingerprint(plan, logFormat),
  aggregates: plan.aggregates,
});
const check = (changed: Partial<QueryPlan>, logFormat = 'embedded') =>
  checkChange(
    changeOf(queryOf(QUERY), queryOf({ ...QUERY, ...changed }, logFormat), {
      nextBatchId: 3,
      isPlanned: false,
    }),
    'the/location',
  );
const refuses = (changed: Partial<QueryPlan>, ...texts: string[]) =>
  assert.throws(() => check(changed), hasCode('CHECKPOINT_QUERY_CHANGED', 'the/location', ...texts));

test('goes on with the same query, and with other rules and limits', () => {
  check({});
  check({ rules: [{ kind: 'characters', field: 'event_id', min: 1, max: 2 }], valueBytesMax: 5 });
});

test('names every part that differs with its old and its new value', () => {
  refuses(
    { topic: 'orders', watermark: { ...QUERY.watermark, delayMs: 5_400_000 } },
    'log.topic was "purchases" and is now "orders"',
    'query.watermark_delay was "1 hour" and is now "90 minutes"',
  );
  refuses(
    { watermark: { ...QUERY.watermark, delayMs: null } },
    'query.watermark_delay was "1 hour" and is now "off"',
  );
  assert.throws(
    () => check({}, 'kafka'),
    hasCode('CHECKPOINT_QUERY_CHANGED', 'log.type was "embedded" and is now "kafka"'),
  );
});

test('says what can be done', () => {
  refuses({ timeZone: 'Asia/Tokyo' }, 'Undo this change', 'query.checkpoint_location', 'delete that folder');
});

test('names only the fields of the schema that differ', () => {
  const fields = [
    ...QUERY.schema.fields.slice(0, 4),
    optional(
      'place',
      types.struct([optional('city', types.string(), ''), optional('zip', types.string(), '')]),
      '',
    ),
  ];
  refuses(
    { schema: schema(fields) },
    'schema: removed "place STRUCT<city: STRING>", added "place STRUCT<city: STRING, zip: STRING>".',
  );
  refuses({ schema: schema(fields.slice(0, 4)) }, 'added nothing');
  refuses({ schema: schema(QUERY.schema.fields.toReversed()) }, 'in another order');
});

test('names only the aggregates that differ', () => {
  const [categories, all] = QUERY.aggregates;
  assert.ok(categories !== undefined && all !== undefined);
  refuses(
    { aggregates: [{ ...categories, keys: categories.keys.slice(1) }, all] },
    'removed "categories: sum of amount as total, count as transactions by day of timestamp as date, category as category"',
    'added "categories: sum of amount as total, count as transactions by category as category"',
  );
});

test('refuses at the start, before anything is written', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  first.close();
  await assert.rejects(
    open(location, { plan: { ...QUERY, topic: 'orders' } }),
    hasCode('CHECKPOINT_QUERY_CHANGED', location, 'log.topic'),
  );
  assert.equal((await open(location)).epoch, first.epoch + 1);
});
