import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { halfSipHash } from '../../../src/columns/hash/halfsiphash.ts';
import { SipHash128 } from '../../../src/columns/hash/siphash.ts';
import { padded, reference, reference128 } from './siphash-reference.ts';

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

function sip(key: Uint8Array, input: Uint8Array): string {
  const hash = new SipHash128(key);
  hash.hash(input);
  return hex(hash);
}

function hex(hash: SipHash128): string {
  const out = Buffer.alloc(16);
  hash.words.forEach((word, index) => out.writeInt32LE(word, index * 4));
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

test('agrees with the paper in BigInt, wherever the text is in its bytes', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array({ maxLength: 600 }),
      fc.nat({ max: 9 }),
      (key, text, lead) => {
        const hash = new SipHash128(key);
        hash.hash(Buffer.concat([Buffer.alloc(lead, 1), text, Buffer.alloc(3, 1)]), lead, lead + text.length);
        assert.equal(hex(hash), reference128(key, text));
      },
    ),
    { numRuns: 300 },
  );
});

test('hashes a text larger than its memory, and hashers do not disturb each other', () => {
  const [one, other] = [new SipHash128(KEY), new SipHash128(new Uint8Array(16))];
  const large = Buffer.alloc(200_001, 'ab');
  one.hash(large);
  other.hash(INPUT, 0, 7);
  assert.equal(hex(one), reference128(KEY, large));
  assert.equal(hex(other), reference128(new Uint8Array(16), INPUT.subarray(0, 7)));
  one.hash(INPUT, 0, 7);
  assert.equal(hex(one), KNOWN[7]);
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
