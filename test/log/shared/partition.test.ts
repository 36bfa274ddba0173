import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionOfKey } from '../../../src/log/shared/partition.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** The cases of `testMurmur2` in Apache Kafka's org.apache.kafka.common.utils.UtilsTest. */
const KAFKA_VECTORS: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

test('hashes as the tests of Kafka’s Java client say', () => {
  for (const [text, hash] of KAFKA_VECTORS) assert.equal(murmur2(bytes(text)), hash, text);
});

test('takes bytes above 127 as unsigned, and a view at any place', () => {
  const key = bytes('…Grüße');
  const padded = new Uint8Array(key.length + 3);
  padded.set(key, 3);
  assert.equal(murmur2(padded.subarray(3)), murmur2(key));
});

test('clears the sign of the hash instead of negating it', () => {
  assert.equal(partitionOfKey(bytes('21'), 1000), (-973932308 & 0x7fffffff) % 1000);
  assert.notEqual(partitionOfKey(bytes('21'), 1000), 973932308 % 1000);
});

test('gives a partition of the topic for every key', () => {
  for (const partitions of [1, 2, 3, 7, 64]) {
    for (let index = 0; index < 500; index += 1) {
      const partition = partitionOfKey(bytes(`customer_${index}`), partitions);
      assert.ok(Number.isInteger(partition) && partition >= 0 && partition < partitions);
    }
  }
});
