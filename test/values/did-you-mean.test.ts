import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { closest, editDistance } from '../../src/values/did-you-mean.ts';

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '_'), maxLength: 7 });

/** The definition, without a table: slow, and easy to believe. */
function byDefinition(left: string, right: string): number {
  if (left === '' || right === '') return left.length + right.length;
  const [a, b] = [left.slice(0, -1), right.slice(0, -1)];
  const same = left.at(-1) === right.at(-1) ? 0 : 1;
  const distances = [byDefinition(a, right) + 1, byDefinition(left, b) + 1, byDefinition(a, b) + same];
  if (left.length > 1 && right.length > 1 && left.at(-1) === right.at(-2) && left.at(-2) === right.at(-1)) {
    distances.push(byDefinition(left.slice(0, -2), right.slice(0, -2)) + 1);
  }
  return Math.min(...distances);
}

test('the distance is that of its definition', () => {
  fc.assert(
    fc.property(word, word, (left, right) =>
      assert.equal(editDistance(left, right), byDefinition(left, right)),
    ),
  );
});

test('one slip of the finger in a word of three or more is answered with that word', () => {
  const slips = fc.record({
    word: fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), minLength: 3, maxLength: 20 }),
    at: fc.nat(),
    kind: fc.nat(3),
  });
  fc.assert(
    fc.property(slips, ({ word, at, kind }) => {
      const i = at % (word.length - 1);
      const slip = [
        word.slice(0, i) + word.slice(i + 1),
        `${word.slice(0, i)}x${word.slice(i)}`,
        `${word.slice(0, i)}x${word.slice(i + 1)}`,
        word.slice(0, i) + word[i + 1]! + word[i]! + word.slice(i + 2),
      ][kind]!;
      assert.equal(closest(slip, [word]), word);
    }),
  );
});

test('what people write is answered with what they meant', () => {
  const keys = ['trigger', 'watermark_delay', 'time_zone', 'name', 'output_mode', 'idle_timeout'];
  assert.equal(closest('triger', keys), 'trigger');
  assert.equal(closest('watermarkDelay', keys), 'watermark_delay');
  assert.equal(closest('watermark-delay', keys), 'watermark_delay');
  assert.equal(closest('timezone', keys), 'time_zone');
  assert.equal(closest('NAME', keys), 'name');
});

test('what resembles nothing is answered with nothing', () => {
  assert.equal(closest('xyzzy', ['trigger', 'name']), undefined);
  assert.equal(closest('a', ['b']), undefined);
  assert.equal(closest('', ['name']), undefined);
  assert.equal(closest('t'.repeat(1e6), ['trigger']), undefined);
});
