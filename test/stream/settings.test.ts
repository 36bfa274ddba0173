import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '../../src/stream/settings.ts';

test('clockSkewMax is a duration, or off for no bound', () => {
  assert.equal(readSettings({}).clockSkewMaxMs, 600_000);
  assert.equal(readSettings({ clockSkewMax: '30 seconds' }).clockSkewMaxMs, 30_000);
  assert.equal(readSettings({ clockSkewMax: 'off' }).clockSkewMaxMs, null);
  assert.throws(() => readSettings({ clockSkewMax: 'none' }));
});
