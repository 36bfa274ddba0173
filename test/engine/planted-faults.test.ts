import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FAULTS } from '../../scripts/planted/faults.js';

/** `npm run planted-faults` takes too long for the suite; that each fault can still be planted does not. */
test('each planted fault has its place in the sources once', () => {
  for (const { name, file, right, wrong } of FAULTS) {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    assert.equal(source.split(right).length, 2, `${name}: ${file} has this once: ${right}`);
    assert.notEqual(right, wrong, name);
  }
  assert.equal(new Set(FAULTS.map(({ name }) => name)).size, FAULTS.length);
});
