import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  assembleModule,
  get,
  i32,
  i64,
  loopWhile,
  select,
  set,
  when,
  type WasmFunction,
} from '../../../scripts/wasm/assembler.ts';
import { assembleSipHash } from '../../../scripts/wasm/siphash.ts';
import { SIPHASH_WASM } from '../../../src/columns/hash/siphash-wasm.ts';
import { compileWasm } from '../../../src/columns/hash/wasm-memory.ts';

function instantiate<Name extends string>(named: Readonly<Record<Name, WasmFunction>>) {
  const { memory, functions } = compileWasm(assembleModule(named))(1);
  return { memory, functions: functions as Record<Name, (...parameters: number[]) => void> };
}

test('the committed bytes of the hash are those that `npm run build-wasm` makes', () => {
  assert.deepEqual(Buffer.from(SIPHASH_WASM, 'base64'), Buffer.from(assembleSipHash()));
});

test('whole numbers of every size come through as they were written', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (value) => {
      const body = i64.store(get(0), i64.constant(value), 300);
      const { memory, functions } = instantiate({ write: { parameters: 1, locals: [], body } });
      functions.write(8);
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
  const { memory, functions } = instantiate({ sum: { parameters: 2, locals: ['i32'], body } });
  const sumOf = (low: number, high: number) => {
    functions.sum(low, high);
    return new DataView(memory.buffer).getBigInt64(0, true);
  };
  assert.equal(sumOf(0, 8), 12n);
  assert.equal(sumOf(3, 3), 0n);
  assert.equal(sumOf(0, 1), 1000n, '-1 without a sign is large');
});
