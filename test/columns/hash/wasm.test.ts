import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileWasm, get, i32, i64, loopWhile, select, set, when } from '../../../src/columns/hash/wasm.ts';

test('whole numbers of every size come through as they were written', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (value) => {
      const body = i64.store(get(0), i64.constant(value), 300);
      const { memory, exports } = compileWasm({ write: { parameters: 1, locals: [], body } })(1);
      exports.write(8);
      assert.equal(new DataView(memory.buffer).getBigInt64(308, true), value);
    }),
    { numRuns: 200 },
  );
});

test('loops, branches and choices do what they say', () => {
  const [from, to, at] = [0, 1, 2];
  const body = [
    set(at, i32.constant(0)),
    loopWhile(i32.lessSigned(get(from), get(to)), [
      when(i32.and(get(from), i32.constant(1)), set(at, i32.add(get(at), get(from))), [
        set(at, i32.sub(get(at), i32.constant(1))),
      ]),
      set(from, i32.add(get(from), i32.constant(1))),
    ]),
    i64.store(
      i32.constant(0),
      i64.ofUnsigned(select(i32.lessUnsigned(get(at), i32.constant(1000)), get(at), i32.constant(1000))),
    ),
  ];
  const { memory, exports } = compileWasm({ sum: { parameters: 2, locals: ['i32'], body } })(1);
  const sumOf = (low: number, high: number) => {
    exports.sum(low, high);
    return new DataView(memory.buffer).getBigInt64(0, true);
  };
  assert.equal(sumOf(0, 8), 12n);
  assert.equal(sumOf(3, 3), 0n);
  assert.equal(sumOf(0, 1), 1000n, '-1 without a sign is large');
});
