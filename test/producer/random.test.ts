import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, hash32 } from '../../src/producer/random.ts';

const draw = (seed: number | string, count: number): number[] => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.uint32());
};

test('repeats the same numbers for the same seed, given as a number or as its digits', () => {
  assert.deepEqual(draw(42, 50), draw(42, 50));
  assert.deepEqual(draw(42, 50), draw('42', 50));
});

test('keeps its numbers from release to release, because a seed in a report must mean the same events', () => {
  assert.deepEqual(draw(42, 3), [1_167_948_674, 2_288_709_423, 3_967_392_250]);
});

test('gives other numbers for seeds that differ in one character', () => {
  const first = new Set(['1', '2', '12', '21', 'a', 'b', ''].map((seed) => draw(seed, 1)[0]));
  assert.equal(first.size, 7);
});

test('spreads numbers evenly over a bound', () => {
  const random = createRandom('even');
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < 50_000; i += 1) counts[random.below(5)]! += 1;
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${count} of 10,000`);
});

test('mixes neighbours into numbers that share no pattern', () => {
  const seen = new Set<number>();
  let ones = 0;
  for (let i = 0; i < 4_096; i += 1) {
    const mixed = hash32(i, 7);
    seen.add(mixed);
    ones += mixed & 1;
  }
  assert.equal(seen.size, 4_096);
  assert.ok(Math.abs(ones - 2_048) < 200);
});
