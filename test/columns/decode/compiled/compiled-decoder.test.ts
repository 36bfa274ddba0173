import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPurchaseGenerator } from '../../../../src/app/purchases/generator/generator.ts';
import { PURCHASE_SCHEMA } from '../../../../src/app/purchases/schema.ts';
import { BYTES_MAX, eventText, mutated, SCHEMA } from '../../events.ts';
import { anySchema, eventSample } from '../../random-schema.ts';
import { Agreement, chunkOf } from './agreement.ts';
import { fuzzDecoder } from './fuzz.ts';

const OPTIONS = { valueBytesMax: BYTES_MAX };

test('odd and broken events of every type come to the same verdict and cells on both paths', () => {
  const agreement = new Agreement(SCHEMA, OPTIONS);
  const event = fc.oneof(mutated(eventText, 0), mutated(eventText, 2));
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 4 }), (events) => {
      agreement.check(chunkOf(events));
    }),
    { numRuns: 5_000 },
  );
  assert.ok(agreement.good > agreement.rows / 20, `${agreement.good} of ${agreement.rows} rows were good`);
});

test('events of random schemas come to the same verdict and cells on both paths', () => {
  fc.assert(
    fc.property(
      anySchema.chain((ofSchema) => {
        const text = eventSample(ofSchema).map(({ json }) => json);
        const event = fc.oneof(mutated(text, 0), mutated(text, 2));
        return fc.tuple(fc.constant(ofSchema), fc.array(event, { minLength: 1, maxLength: 8 }));
      }),
      ([ofSchema, events]) => {
        new Agreement(ofSchema, OPTIONS).check(chunkOf(events));
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a small run of the fuzzer finds no difference, and does not leave all to the exact path', (t) => {
  const seed = Date.now() >>> 0;
  t.diagnostic(`seed ${seed}`);
  const { mutations, events, good, fast } = fuzzDecoder(80_000, seed);
  assert.equal(mutations, 80_000);
  assert.ok(good > events / 10, `${good} of ${events} events were good`);
  // Were all rows left to the exact path, the two would agree and prove nothing.
  assert.ok(fast > good / 3, `${fast} of ${good} good events were fast`);
});

test('generated purchases never leave the fast path', () => {
  const agreement = new Agreement(PURCHASE_SCHEMA, OPTIONS);
  const generator = createPurchaseGenerator({ seed: 'compiled', localCurrencies: true });
  const events = Array.from({ length: 5_000 }, (_, index) => generator.next(1.75e12 + index * 1000).value);
  agreement.check(chunkOf(events));
  assert.deepEqual([agreement.rows, agreement.good, agreement.fast], [5_000, 5_000, 5_000]);
});
