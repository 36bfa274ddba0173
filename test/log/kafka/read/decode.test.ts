import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RecordInput } from '../../../../src/contracts/log.ts';
import { coverageOf, FIELD, HEADER_BYTES } from '../../../../src/log/kafka/wire/record-batch.ts';
import { decodeFetched } from '../../../../src/log/kafka/read/decode.ts';
import { encodeKafkaBatch, finishBatch, stampBatch } from '../../../../src/log/kafka/wire/encode.ts';
import { VarintReader, writeVarint } from '../../../../src/log/kafka/wire/varint.ts';
import { bytes, latin1, plainHeaders, plainRecords } from '../../../contract/log/log-records.ts';
import { hasCode } from '../../../contract/log/log-under-test.ts';

const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const WHOLE = { topic: 'events', partition: 2, start: 0, end: 1e9 };

const cell = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
const headers = fc.array(
  fc.record({ name: fc.string({ unit: 'grapheme' }), value: fc.uint8Array({ maxLength: 9 }) }),
  {
    maxLength: 3,
  },
);
const records = fc.array(fc.record({ key: cell, value: cell, headers, timestampMs: fc.nat({ max: 4e12 }) }), {
  minLength: 1,
  maxLength: 40,
});

test('what is encoded is decoded, whatever it is, however it is cut and compressed', () => {
  fc.assert(
    fc.property(
      records,
      fc.constantFrom(...COMPRESSIONS),
      fc.integer({ min: 100, max: 3_000 }),
      fc.nat({ max: 39 }),
      (input, compression, bytesMax, start) => {
        const range = { ...WHOLE, start };
        const chunks = [
          ...decodeFetched({ block: blockOf(input, { compression, bytesMax }), aborted: [] }, range),
        ];
        assert.deepEqual(chunks.flatMap(plainRecords), input.map(plain).slice(start));
      },
    ),
  );
});

test('a batch that the limit of a fetch cut off is left for the next one', () => {
  const input = ['a', 'b', 'c'].map((value) => ({ key: null, value: bytes(value) }));
  const block = blockOf(input, { bytesMax: 1 });
  for (const cut of [1, HEADER_BYTES, block.length / 3 - 1]) {
    const decoding = decodeFetched({ block: block.subarray(0, block.length - cut), aborted: [] }, WHOLE);
    assert.equal(decoding.next().done, false);
    const { done, value } = decoding.next();
    assert.deepEqual([done, value], [true, 2]);
  }
  const nothing = decodeFetched({ block: block.subarray(0, 20), aborted: [] }, WHOLE).next();
  assert.deepEqual(nothing, { done: true, value: undefined });
});

test('a chunk has the mark of its last batch, also if the range ends within that batch', () => {
  const input = Array.from({ length: 9 }, (_, index) => ({ key: null, value: bytes(`${index}`) }));
  for (const compression of COMPRESSIONS) {
    const batches = [0, 3, 6].map((from) => batchAt(input.slice(from, from + 3), from, compression));
    const block = Buffer.concat(batches);
    for (let end = 1; end <= 9; end += 1) {
      const chunks = [...decodeFetched({ block, aborted: [] }, { ...WHOLE, end })];
      const last = Math.floor((end - 1) / 3);
      const checksum = batches[last]?.readUInt32BE(FIELD.checksum);
      const place = { baseOffset: 3 * last, nextOffset: 3 * last + 3, leaderEpoch: 7, chain: null };
      assert.deepEqual(chunks.at(-1)?.mark, { ...place, checksum });
    }
  }
});

test('offsets that no batch covers are seen within the range, and not outside it', () => {
  const input = ['a', 'b', 'c'].map((value) => ({ key: null, value: bytes(value) }));
  const block = Buffer.concat([10, 13, 20, 30].map((from) => batchAt(input, from, 'none')));
  const gapIn = (start: number, end: number) => coverageOf(block, start, end).gap;
  assert.deepEqual(gapIn(10, 40), { start: 16, end: 20 });
  assert.deepEqual(gapIn(18, 40), { start: 18, end: 20 });
  assert.deepEqual(gapIn(10, 18), { start: 16, end: 18 });
  assert.deepEqual(gapIn(21, 40), { start: 23, end: 30 });
  assert.deepEqual(gapIn(5, 8), { start: 5, end: 8 });
  for (const [start, end] of [
    [10, 16],
    [12, 16],
    [20, 23],
    [32, 40],
  ] as const) {
    assert.equal(gapIn(start, end), undefined);
  }
  const { next, lastStart } = coverageOf(block, 10, 18);
  assert.deepEqual([next, lastStart], [33, block.length / 4]);
  assert.equal(coverageOf(block.subarray(0, 20), 10, 18).next, undefined);
});

test('a changed byte anywhere below the checksum is LOG_CORRUPT with its place', () => {
  const input = ['first', 'second'].map((value) => ({ key: bytes('k'), value: bytes(value) }));
  const block = blockOf(input, {});
  for (let at: number = FIELD.checksum; at < block.length; at += 1) {
    const changed = Buffer.from(block);
    changed[at] = (changed[at] as number) ^ 0x10;
    // The fields that say which offsets a batch covers would move it out of the range, and are left out.
    if (at >= FIELD.lastOffsetDelta && at < FIELD.baseTimestamp) continue;
    const decode = () => [...decodeFetched({ block: changed, aborted: [] }, WHOLE)];
    assert.throws(decode, hasCode('LOG_CORRUPT', 'events', 'partition 2', 'offset 0'), `byte ${at}`);
  }
});

test('an aborted transaction hides its own records and nobody else’s', () => {
  const batch = (value: string, producerId: bigint, baseOffset: number, attributes: number) => {
    const encoded = encodeKafkaBatch([{ key: null, value: bytes(value) }], 0, {
      nowMs: 0,
      bytesMax: 1_000,
      compression: 'none',
    });
    encoded.bytes.writeBigInt64BE(BigInt(baseOffset), FIELD.baseOffset);
    encoded.bytes.writeInt16BE(attributes, FIELD.attributes);
    stampBatch(encoded, { producerId, producerEpoch: 0, sequence: 0 });
    return encoded.bytes;
  };
  const TRANSACTIONAL = 1 << 4;
  const block = Buffer.concat([
    batch('other', 8n, 0, TRANSACTIONAL),
    batch('aborted', 7n, 1, TRANSACTIONAL),
    batch('plain', 7n, 2, 0),
    batch('other again', 8n, 3, TRANSACTIONAL),
  ]);
  const aborted = [{ producerId: 7n, firstOffset: 1 }];
  const read = [...decodeFetched({ block, aborted }, WHOLE)].flatMap(plainRecords);
  assert.deepEqual(
    read.map(({ value }) => value),
    ['other', 'plain', 'other again'],
  );
});

test('every integer of 52 bits survives as a varint, in as few bytes as Kafka’s own', () => {
  const target = new Uint8Array(12);
  const roundTrip = (value: number): number => {
    const end = writeVarint(target, 0, value);
    const reader = new VarintReader(target.subarray(0, end), 0);
    assert.equal(reader.signed(), value);
    assert.equal(reader.at, end);
    return end;
  };
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 }), (value) => void roundTrip(value)),
  );
  assert.deepEqual([0, -1, 63, -64, 64, -65, 8_191, 8_192].map(roundTrip), [1, 1, 1, 1, 2, 2, 2, 3]);
  assert.throws(() => new VarintReader(new Uint8Array(3).fill(0xff), 0).signed(), RangeError);
  assert.throws(() => new VarintReader(new Uint8Array(20).fill(0xff), 0).signed(), RangeError);
});

/** One batch that starts at this offset, of leader epoch 7. */
function batchAt(
  input: readonly RecordInput[],
  baseOffset: number,
  compression: (typeof COMPRESSIONS)[number],
): Buffer {
  const batch = encodeKafkaBatch(input, 0, { nowMs: 5, bytesMax: 1_000_000, compression });
  batch.bytes.writeBigInt64BE(BigInt(baseOffset), FIELD.baseOffset);
  batch.bytes.writeInt32BE(7, FIELD.leaderEpoch);
  stampBatch(batch, { producerId: 9n, producerEpoch: 1, sequence: baseOffset });
  return batch.bytes;
}

test('a timestamp of any 64 bits is decoded exactly, whatever the others of its batch are', () => {
  const timestamp = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constantFrom(-1n, 0n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 1_785_000_000_123_456_789n),
    fc.bigInt({ min: 0n, max: 4_000_000_000_000n }),
  );
  fc.assert(
    fc.property(
      fc.array(timestamp, { minLength: 1, maxLength: 9 }),
      fc.option(timestamp),
      (stamps, appended) => {
        const block = stampedBlock(stamps, appended);
        const [chunk] = decodeFetched({ block, aborted: [] }, WHOLE);
        assert.ok(chunk !== undefined);
        const read = [...chunk.timestampsMs].map((ms, row) => chunk.exactTimestamps?.get(row) ?? BigInt(ms));
        assert.deepEqual(
          read,
          stamps.map((stamp) => appended ?? stamp),
        );
        for (const exact of chunk.exactTimestamps?.values() ?? [])
          assert.ok(!Number.isSafeInteger(Number(exact)));
      },
    ),
  );
});

/** One batch of empty records with these timestamps; `appended` is the broker's time, which is that of all then. */
function stampedBlock(stamps: readonly bigint[], appended: bigint | null): Buffer {
  const base = stamps[0] as bigint;
  const records = stamps.map((stamp, offset) => {
    const body = [
      0,
      ...varlong(stamp - base),
      ...varlong(BigInt(offset)),
      ...varlong(-1n),
      ...varlong(-1n),
      0,
    ];
    return Buffer.from([...varlong(BigInt(body.length)), ...body]);
  });
  const bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), ...records]);
  const options = { nowMs: 0, bytesMax: 1_000_000, compression: 'none' } as const;
  const batch = finishBatch(bytes, { count: stamps.length, baseMs: 0, maxMs: 0 }, options);
  batch.bytes.writeBigInt64BE(base, FIELD.baseTimestamp);
  batch.bytes.writeBigInt64BE(appended ?? base, FIELD.maxTimestamp);
  if (appended !== null) batch.bytes.writeInt16BE(1 << 3, FIELD.attributes);
  stampBatch(batch, { producerId: 9n, producerEpoch: 1, sequence: 0 });
  return batch.bytes;
}

/** Of any integer: what does not fit 64 bits wraps round, as the broker's arithmetic does. */
function varlong(value: bigint): number[] {
  const wrapped = BigInt.asIntN(64, value);
  let rest = BigInt.asUintN(64, (wrapped << 1n) ^ (wrapped >> 63n));
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

function blockOf(
  input: readonly RecordInput[],
  {
    compression = 'none',
    bytesMax = 1_000_000,
  }: { compression?: (typeof COMPRESSIONS)[number]; bytesMax?: number },
): Buffer {
  const batches: Buffer[] = [];
  for (let from = 0; from < input.length;) {
    const batch = encodeKafkaBatch(input, from, { nowMs: 5, bytesMax, compression });
    batch.bytes.writeBigInt64BE(BigInt(from), FIELD.baseOffset);
    stampBatch(batch, { producerId: 9n, producerEpoch: 1, sequence: from });
    batches.push(batch.bytes);
    from += batch.count;
  }
  return Buffer.concat(batches);
}

function plain({ key, value, timestampMs, headers: ofRecord }: RecordInput, offset: number) {
  return {
    offset,
    key: key && latin1(key),
    value: value && latin1(value),
    timestampMs,
    headers: plainHeaders(ofRecord ?? []),
  };
}
