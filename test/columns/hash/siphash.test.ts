import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { halfSipHash, SipHash128 } from '../../../src/columns/hash/siphash.ts';
import { reference } from './siphash-reference.ts';

const KEY = Uint8Array.from({ length: 16 }, (_, index) => index);
const INPUT = Uint8Array.from({ length: 64 }, (_, index) => index);

/** The first eight of the 64 outputs of `vectors_sip128` in the reference implementation. */
const KNOWN = [
  'a3817f04ba25a8e66df67214c7550293',
  'da87c1d86b99af44347659119b22fc45',
  '8177228da4a45dc7fca38bdef60affe4',
  '9c70b60c5267a94e5f33b6b02985ed51',
  'f88164c12d9c8faf7d0f6e7c7bcd5579',
  '1368875980776f8854527a07690e9627',
  '14eeca338b208613485ea0308fd7a15e',
  'a1f1ebbed8dbc153c0b84aa61ff08239',
];

/** SHA-256 of all 64 outputs of `vectors_sip128`, one behind the other. */
const ALL_KNOWN_SHA256 = 'ecfaa9fe47ff788fa834a9863ea2715a2880cd37d2b8c3c194402838428119b9';

function sip(key: Uint8Array, ...parts: readonly Uint8Array[]): string {
  const hash = new SipHash128(key);
  for (const part of parts) hash.update(part, 0, part.length);
  hash.finish();
  return hex(hash);
}

function hex(hash: SipHash128): string {
  const out = Buffer.alloc(16);
  hash.words.forEach((word, index) => out.writeInt32LE(word, index * 4));
  return out.toString('hex');
}

/** The input as words of `size` bytes, the last one with the length in its last byte. */
function padded(input: Uint8Array, size: number): bigint[] {
  const bytes = Buffer.alloc(Math.floor(input.length / size) * size + size);
  bytes.set(input);
  bytes[bytes.length - 1] = input.length & 0xff;
  const words: bigint[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    words.push(size === 8 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUInt32LE(at)));
  }
  return words;
}

function reference128(key: Uint8Array, input: Uint8Array): string {
  const k = Buffer.from(key);
  const [k0, k1] = [k.readBigUInt64LE(0), k.readBigUInt64LE(8)];
  const outs = reference(
    padded(input, 8),
    [
      k0 ^ 0x736f6d6570736575n,
      k1 ^ 0x646f72616e646f6dn ^ 0xeen,
      k0 ^ 0x6c7967656e657261n,
      k1 ^ 0x7465646279746573n,
    ],
    [2, 4],
    { w: 64n, turns: [13n, 16n, 21n, 17n], half: 32n, marks: [0xeen, 0xddn] },
  );
  const out = Buffer.alloc(16);
  outs.forEach((v, index) =>
    out.writeBigUInt64LE(
      v.reduce((x, y) => x ^ y),
      index * 8,
    ),
  );
  return out.toString('hex');
}

function referenceHalf(key: Uint8Array, input: Uint8Array, rounds: readonly [number, number]): number {
  const k = Buffer.from(key);
  const [k0, k1] = [BigInt(k.readUInt32LE(0)), BigInt(k.readUInt32LE(4))];
  const [v] = reference(padded(input, 4), [k0, k1, k0 ^ 0x6c796765n, k1 ^ 0x74656462n], rounds, {
    w: 32n,
    turns: [5n, 8n, 7n, 13n],
    half: 16n,
    marks: [0xffn],
  }) as [bigint[]];
  return Number(BigInt.asIntN(32, (v[1] as bigint) ^ (v[3] as bigint)));
}

test('agrees with the reference vectors of SipHash-2-4-128', () => {
  const outs = Array.from({ length: 64 }, (_, length) => sip(KEY, INPUT.subarray(0, length)));
  assert.deepEqual(outs.slice(0, KNOWN.length), KNOWN);
  assert.equal(
    createHash('sha256')
      .update(Buffer.from(outs.join(''), 'hex'))
      .digest('hex'),
    ALL_KNOWN_SHA256,
  );
});

test('agrees with the paper in BigInt, however the input is cut', () => {
  const bytes = fc.uint8Array({ maxLength: 600 });
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes, bytes, bytes, (key, a, b, c) => {
      assert.equal(sip(key, a, b, c), reference128(key, Buffer.concat([a, b, c])));
    }),
    { numRuns: 300 },
  );
});

test('a word of four bytes hashes like its bytes, at any alignment', () => {
  for (let lead = 0; lead < 9; lead++) {
    const words = new SipHash128(KEY);
    words.update(INPUT, 0, lead);
    words.updateInt32(0x8765_4321 | 0);
    words.updateByte(0xff);
    words.updateInt32(-2);
    words.finish();
    const same = [
      INPUT.subarray(0, lead),
      Uint8Array.of(0x21, 0x43, 0x65, 0x87, 0xff, 0xfe, 0xff, 0xff, 0xff),
    ];
    assert.equal(hex(words), sip(KEY, ...same));
  }
});

test('reset forgets an input, finished or not', () => {
  const hash = new SipHash128(KEY);
  hash.update(INPUT, 0, 13);
  hash.reset();
  hash.update(INPUT, 0, 7);
  hash.finish();
  assert.equal(hex(hash), KNOWN[7]);
  hash.reset();
  hash.finish();
  assert.equal(hex(hash), KNOWN[0]);
});

test('refuses a key of another length', () => {
  assert.throws(() => new SipHash128(new Uint8Array(15)), RangeError);
});

test('the hash for tables is HalfSipHash-1-3', () => {
  // The reference's own first vector, of the variant with two and four rounds, shows that the BigInt form is right.
  assert.equal(
    referenceHalf(KEY, INPUT.subarray(0, 0), [2, 4]),
    Buffer.from('a9359f5b', 'hex').readInt32LE(),
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      fc.uint8Array({ maxLength: 40 }),
      (key, input) => {
        const k = Buffer.from(key);
        const framed = Buffer.concat([Buffer.of(1), input, Buffer.of(2, 3, 4, 5)]);
        const hash = halfSipHash(framed, 1, 1 + input.length, k.readInt32LE(0), k.readInt32LE(4));
        assert.equal(hash, referenceHalf(key, input, [1, 3]));
      },
    ),
  );
});
