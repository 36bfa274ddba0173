/**
 * Assembles SipHash-2-4 over columns (src/columns/hash/siphash-wasm.ts). `npm run build-wasm` writes the bytes, and a test
 * compares them with what this makes. The functions are described where they are called: `SipFunctions` of siphash.ts.
 */
import {
  assembleModule,
  get,
  i32,
  i64,
  loopWhile,
  repeated,
  select,
  set,
  when,
  type Code,
  type WasmFunction,
} from './assembler.ts';

const STATE_BYTES = 32;
/** A null's length, since no text is that long. */
const NULL_LENGTH = 0xffff_ffffn;
/** Every NaN is this one: which bits a NaN has is not said anywhere. */
const NAN_BITS = 0x7ff8_0000_0000_0000n;
const SIGN_CLEARED = 0x7fff_ffff_ffff_ffffn;
const INFINITY_BITS = 0x7ff0_0000_0000_0000n;

export function assembleSipHash(): Uint8Array {
  return assembleModule({
    words: wordsFunction(() => []),
    numbers: wordsFunction(canonicalNaN),
    texts: textsFunction(),
    finish: finishFunction(),
    texts128: texts128Function(),
  });
}

type State = readonly [number, number, number, number];

const plus = (target: number, by: number): Code => set(target, i64.add(get(target), get(by)));
const xor = (target: number, by: Code): Code => set(target, i64.xor(get(target), by));
const rotate = (target: number, bits: number): Code =>
  set(target, i64.rotateLeft(get(target), i64.constant(BigInt(bits))));

/** SipRound, figure 2.1 of the paper. */
function round([v0, v1, v2, v3]: State): Code {
  return [
    [plus(v0, v1), rotate(v1, 13), xor(v1, get(v0)), rotate(v0, 32)],
    [plus(v2, v3), rotate(v3, 16), xor(v3, get(v2))],
    [plus(v0, v3), rotate(v3, 21), xor(v3, get(v0))],
    [plus(v2, v1), rotate(v1, 17), xor(v1, get(v2)), rotate(v2, 32)],
  ];
}

function absorb(v: State, word: number): Code {
  const once = repeated(round(v));
  return repeated([xor(v[3], get(word)), once, once, xor(v[0], get(word))]);
}

function load(v: State, address: number): Code {
  return v.flatMap((local, index) => set(local, i64.load(get(address), index * 8)));
}

function store(v: State, address: number): Code {
  return v.flatMap((local, index) => i64.store(get(address), get(local), index * 8));
}

/** Four rounds, and the state folded into 64 bits at `address`. */
function fold(v: State, address: number, offset: number): Code {
  const [v0, v1, v2, v3] = v.map(get) as [Code, Code, Code, Code];
  const folded = i64.xor(i64.xor(v0, v1), i64.xor(v2, v3));
  const once = repeated(round(v));
  return [once, once, once, once, i64.store(get(address), folded, offset)];
}

const advance = (local: number, bytes: number): Code => set(local, i32.add(get(local), i32.constant(bytes)));

/** Carries `body` out once a row; `rows` counts down. */
function eachRow(rows: number, body: Code): Code {
  return loopWhile(get(rows), [body, advance(rows, -1)]);
}

/** Takes the words of eight bytes in `[at, end)` in, each by `taken`; `at` is `end` afterwards. */
function absorbWhole(taken: Code, word: number, at: number, end: number): Code {
  return loopWhile(i32.lessUnsigned(get(at), get(end)), [
    set(word, i64.load(get(at))),
    taken,
    advance(at, 8),
  ]);
}

/** The `rest` (0 to 7) bytes at `at` as a word, zeros above. */
function partial(at: number, rest: Code): Code {
  const bits = i64.shl(i64.ofUnsigned(rest), i64.constant(3n));
  const mask = i64.add(i64.shl(i64.constant(1n), bits), i64.constant(-1n));
  return i64.and(i64.load(get(at)), mask);
}

/** A column of 64 bits a row, each word turned by `form` before it is taken in. */
function wordsFunction(form: (word: number) => Code): WasmFunction {
  const [values, states, stride, rows] = [0, 1, 2, 3] as const;
  const v: State = [4, 5, 6, 7];
  const word = 8;
  const body = eachRow(rows, [
    set(word, i64.load(get(values))),
    form(word),
    load(v, states),
    absorb(v, word),
    store(v, states),
    advance(values, 8),
    set(states, i32.add(get(states), get(stride))),
  ]);
  return { parameters: 4, locals: ['i64', 'i64', 'i64', 'i64', 'i64'], body };
}

function canonicalNaN(word: number): Code {
  const isNaN = i64.greaterUnsigned(
    i64.and(get(word), i64.constant(SIGN_CLEARED)),
    i64.constant(INFINITY_BITS),
  );
  return set(word, select(isNaN, i64.constant(NAN_BITS), get(word)));
}

function addressOf(start: Code, [split, below, above]: readonly [number, number, number]): Code {
  return i32.add(start, select(i32.lessUnsigned(start, get(split)), get(below), get(above)));
}

function textsFunction(): WasmFunction {
  const [starts, ends, states, stride, rows] = [0, 1, 2, 3, 4] as const;
  const v: State = [8, 9, 10, 11];
  const [word, at, end, length] = [12, 13, 14, 15] as const;
  const taken = absorb(v, word);
  const text = [
    set(length, i32.sub(i32.load(get(ends)), get(at))),
    set(word, i64.ofUnsigned(get(length))),
    taken,
    set(at, addressOf(get(at), [5, 6, 7])),
    set(end, i32.add(get(at), i32.and(get(length), i32.constant(-8)))),
    absorbWhole(taken, word, at, end),
    when(i32.and(get(length), i32.constant(7)), [
      set(word, partial(at, i32.and(get(length), i32.constant(7)))),
      taken,
    ]),
  ];
  const body = eachRow(rows, [
    set(at, i32.load(get(starts))),
    load(v, states),
    when(i32.lessSigned(get(at), i32.constant(0)), [set(word, i64.constant(NULL_LENGTH)), taken], text),
    store(v, states),
    advance(starts, 4),
    advance(ends, 4),
    set(states, i32.add(get(states), get(stride))),
  ]);
  return { parameters: 8, locals: ['i64', 'i64', 'i64', 'i64', 'i64', 'i32', 'i32', 'i32'], body };
}

function finishFunction(): WasmFunction {
  const [states, hashes, rows] = [0, 1, 2] as const;
  const v: State = [3, 4, 5, 6];
  const body = eachRow(rows, [
    load(v, states),
    xor(v[2], i64.constant(0xffn)),
    fold(v, hashes, 0),
    advance(states, STATE_BYTES),
    advance(hashes, 8),
  ]);
  return { parameters: 3, locals: ['i64', 'i64', 'i64', 'i64'], body };
}

function texts128Function(): WasmFunction {
  const [starts, ends, states, hashes, rows] = [0, 1, 2, 3, 4] as const;
  const v: State = [8, 9, 10, 11];
  const [word, at, end, length] = [12, 13, 14, 15] as const;
  const taken = absorb(v, word);
  const body = eachRow(rows, [
    set(at, i32.load(get(starts))),
    set(
      length,
      select(
        i32.lessSigned(get(at), i32.constant(0)),
        i32.constant(0),
        i32.sub(i32.load(get(ends)), get(at)),
      ),
    ),
    // An empty text lies anywhere, and nothing of it is read but to be masked away.
    when(get(length), set(at, addressOf(get(at), [5, 6, 7])), set(at, i32.constant(0))),
    set(end, i32.add(get(at), i32.and(get(length), i32.constant(-8)))),
    load(v, states),
    absorbWhole(taken, word, at, end),
    // The last block holds the length modulo 256 in its last byte.
    set(
      word,
      i64.or(
        partial(at, i32.and(get(length), i32.constant(7))),
        i64.shl(i64.ofUnsigned(get(length)), i64.constant(56n)),
      ),
    ),
    taken,
    xor(v[2], i64.constant(0xeen)),
    fold(v, hashes, 0),
    xor(v[1], i64.constant(0xddn)),
    fold(v, hashes, 8),
    advance(starts, 4),
    advance(ends, 4),
    advance(states, STATE_BYTES),
    advance(hashes, 16),
  ]);
  return { parameters: 8, locals: ['i64', 'i64', 'i64', 'i64', 'i64', 'i32', 'i32', 'i32'], body };
}
