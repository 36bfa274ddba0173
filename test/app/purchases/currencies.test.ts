import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CURRENCIES, REFUSED_CURRENCIES } from '../../../src/app/purchases/currencies.ts';

const refused = Object.keys(REFUSED_CURRENCIES);

test('has as many codes as ISO 4217 list one has, by decimals', () => {
  const withDecimals = (decimals: number): number =>
    refused.filter((code) => REFUSED_CURRENCIES[code]?.includes(`has ${decimals}:`)).length;
  assert.equal(CURRENCIES.length, 139);
  assert.deepEqual([withDecimals(0), withDecimals(3), withDecimals(4)], [17, 7, 2]);
  assert.equal(refused.length, 17 + 7 + 2 + 13);
});

test('names each code once, as three capital letters, in order', () => {
  const all = [...CURRENCIES, ...refused];
  assert.equal(new Set(all).size, all.length);
  for (const code of all) assert.match(code, /^[A-Z]{3}$/);
  assert.deepEqual([...CURRENCIES], [...CURRENCIES].sort());
});

test('takes the currencies of everyday trade', () => {
  for (const code of ['USD', 'EUR', 'GBP', 'CHF', 'CNY', 'INR', 'BRL', 'CAD', 'AUD', 'ZAR', 'PLN', 'MXN']) {
    assert.ok(CURRENCIES.includes(code), code);
  }
});

test('follows the latest changes of the list: new codes are known and withdrawn ones are not', () => {
  for (const code of ['XAD', 'XCG', 'ZWG', 'SLE', 'VED']) assert.ok(CURRENCIES.includes(code), code);
  for (const code of ['ANG', 'BGN', 'CUC', 'HRK', 'SLL', 'ZWL', 'DEM']) {
    assert.ok(!CURRENCIES.includes(code) && !refused.includes(code), code);
  }
});

test('says by name why a code is refused', () => {
  assert.equal(REFUSED_CURRENCIES['JPY'], 'a currency with two decimals (JPY has 0: not supported yet)');
  assert.equal(REFUSED_CURRENCIES['KWD'], 'a currency with two decimals (KWD has 3: not supported yet)');
  assert.equal(REFUSED_CURRENCIES['CLF'], 'a currency with two decimals (CLF has 4: not supported yet)');
  for (const code of ['XAU', 'XXX', 'XTS', 'XDR'])
    assert.match(REFUSED_CURRENCIES[code] as string, /no currency to pay in/);
});

test('knows no code by the name of a property that every object has', () => {
  assert.equal(Object.hasOwn(REFUSED_CURRENCIES, 'constructor'), false);
  assert.equal(CURRENCIES.includes('__proto__'), false);
});
