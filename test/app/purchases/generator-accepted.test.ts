import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ColumnBatch } from '../../../src/columns/column-chunk.ts';
import { createDecoder } from '../../../src/columns/decode/decoder.ts';
import { compileRules } from '../../../src/operators/rules/check.ts';
import { createPurchaseGenerator } from '../../../src/app/purchases/generator/generator.ts';
import { purchaseRules } from '../../../src/app/purchases/rules.ts';
import { PURCHASE_SCHEMA } from '../../../src/app/purchases/schema.ts';

const AT_MS = Date.UTC(2026, 0, 2);

for (const localCurrencies of [false, true]) {
  test(`every generated purchase passes schema and rules, ${localCurrencies ? 'in any currency' : 'in USD'}`, () => {
    const batch = new ColumnBatch(PURCHASE_SCHEMA, 1);
    const decoder = createDecoder(PURCHASE_SCHEMA, { valueBytesMax: 1_000_000 });
    const check = compileRules(purchaseRules({ futureToleranceMs: 0 }), batch);
    const generator = createPurchaseGenerator({ seed: 'accepted', localCurrencies });
    for (let i = 0; i < 20_000; i += 1) {
      const { value } = generator.next(AT_MS);
      batch.reset(value, 1);
      const problem = decoder.decode(batch, 0, value.length, 0) ?? check(0, AT_MS);
      assert.equal(problem, undefined, `${Buffer.from(value).toString()} ${JSON.stringify(problem)}`);
    }
  });
}
