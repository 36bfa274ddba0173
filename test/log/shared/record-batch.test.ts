import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordInput } from '../../../src/contracts/log.ts';
import {
  BATCH_BYTES_MAX,
  BATCH_RECORDS_MAX,
  checksumOf,
  decodeBatch,
  encodeBatches,
  type EncodedBatch,
} from '../../../src/log/shared/record-batch.ts';
import { bytes, plainRecords } from '../../contract/log/log-records.ts';

const RECORDS: readonly RecordInput[] = [
  { key: bytes('k'), value: bytes('{"a":1}'), timestampMs: 10 },
  { key: null, value: null, headers: [{ name: 'origin', value: bytes('x') }] },
];

function onlyBatch(records: readonly RecordInput[]): EncodedBatch {
  const [batch, ...others] = encodeBatches(records, 99);
  assert.ok(batch !== undefined && others.length === 0);
  return batch;
}

test('decodes what it encoded, and keeps the newest timestamp', () => {
  const { body, count, timestampMsMax } = onlyBatch(RECORDS);
  assert.deepEqual([count, timestampMsMax], [2, 99]);
  const decoded = decodeBatch(body, checksumOf(body, 500), 7, 500);
  assert.ok(decoded.kind === 'ok');
  assert.equal(decoded.chunk.partition, 7);
  assert.deepEqual(plainRecords(decoded.chunk), [
    { offset: 500, key: 'k', value: '{"a":1}', timestampMs: 10, headers: [] },
    { offset: 501, key: null, value: null, timestampMs: 99, headers: [{ name: 'origin', value: 'x' }] },
  ]);
});

test('has the bytes that its layout says, so that files of today are read tomorrow', () => {
  const { body } = onlyBatch([{ key: bytes('k'), value: bytes('vv'), timestampMs: 1 }]);
  assert.equal(
    Buffer.from(body).toString('hex'),
    '54534231' +
      '01000000' +
      '00000000' +
      '03000000' + // magic, records, bytes of headers and payload
      '000000000000f03f' + // timestamp
      '00000000' +
      '01000000' +
      '01000000' +
      '03000000' + // key start and end, value start and end
      '6b7676',
  );
  // Computed with Python: zlib.crc32(body + struct.pack('<d', 1000)).
  assert.equal(checksumOf(body, 1000), 0xcd7ff0c5);
});

test('maps the columns onto the stored bytes without copying them', () => {
  const { body } = onlyBatch(RECORDS);
  const decoded = decodeBatch(body, checksumOf(body, 0), 0, 0);
  assert.ok(decoded.kind === 'ok');
  for (const column of [decoded.chunk.bytes, decoded.chunk.valueStart, decoded.chunk.timestampsMs]) {
    assert.equal(column.buffer, body.buffer);
  }
});

test('decodes bytes that do not lie at a multiple of eight', () => {
  const { body } = onlyBatch(RECORDS);
  const shifted = new Uint8Array(body.length + 3);
  shifted.set(body, 3);
  const decoded = decodeBatch(shifted.subarray(3), checksumOf(body, 0), 0, 0);
  assert.ok(decoded.kind === 'ok');
  assert.equal(plainRecords(decoded.chunk)[0]?.value, '{"a":1}');
});

test('notices any flipped bit, a cut, and a batch in a wrong place', () => {
  const { body } = onlyBatch(RECORDS);
  const checksum = checksumOf(body, 40);
  for (let bit = 0; bit < body.length * 8; bit += 1) {
    const flipped = body.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.equal(decodeBatch(flipped, checksum, 0, 40).kind, 'corrupt', `bit ${bit}`);
  }
  for (let length = 0; length < body.length; length += 1) {
    assert.equal(decodeBatch(body.slice(0, length), checksum, 0, 40).kind, 'corrupt', `cut to ${length}`);
  }
  assert.equal(decodeBatch(body, checksum, 0, 41).kind, 'corrupt');
});

test('refuses another layout and parts that do not add up, even with a right checksum', () => {
  for (const at of [0, 4, 8, 12]) {
    const { body } = onlyBatch(RECORDS);
    body[at] = (body[at] as number) + 1;
    assert.equal(decodeBatch(body, checksumOf(body, 0), 0, 0).kind, 'corrupt', `byte ${at}`);
  }
});

test('splits at its bounds, and leaves a record above them alone in its batch', () => {
  const small = { key: null, value: bytes('x') };
  const large = { key: null, value: new Uint8Array(BATCH_BYTES_MAX) };
  const half = { key: null, value: new Uint8Array(BATCH_BYTES_MAX / 2 - 100) };
  const counts = (records: readonly RecordInput[]) => encodeBatches(records, 0).map(({ count }) => count);
  assert.deepEqual(counts([]), []);
  assert.deepEqual(counts(Array.from({ length: BATCH_RECORDS_MAX * 2 + 1 }, () => small)), [8192, 8192, 1]);
  assert.deepEqual(counts([small, large, small, small]), [1, 1, 2]);
  assert.deepEqual(counts([half, half, half]), [2, 1]);
  for (const { body } of encodeBatches([half, half, half], 0)) assert.ok(body.length <= BATCH_BYTES_MAX);
});
