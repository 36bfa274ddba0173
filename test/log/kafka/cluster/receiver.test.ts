import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BlockPool } from '../../../../src/log/kafka/wire/buffer-pool.ts';
import { Receiver } from '../../../../src/log/kafka/cluster/receiver.ts';

const BLOCK_BYTES = 200_000;

/** Writes the bytes as a socket does, in pieces of at most these sizes, and gives whatever comes whole. */
function receive(receiver: Receiver, bytes: Buffer, pieces: readonly number[]) {
  const answers: NonNullable<ReturnType<Receiver['take']>>[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const room = receiver.room();
    const count = Math.min(pieces[turn % pieces.length] as number, room.length, bytes.length - at);
    assert.ok(count > 0, 'there is no room for a byte that is still to come');
    bytes.copy(room, 0, at, at + count);
    at += count;
    const answer = receiver.take(count);
    if (answer !== undefined) answers.push(answer);
  }
  return answers;
}

function framed(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

test('answers come whole, however long they are and however the socket cuts them', () => {
  const answer = fc.record({
    length: fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 65_500, max: 300_000 })),
    fill: fc.nat({ max: 255 }),
  });
  const pieces = fc.array(fc.oneof(fc.constantFrom(1, 3, 4, 5), fc.integer({ min: 1_000, max: 80_000 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(fc.array(answer, { minLength: 1, maxLength: 5 }), pieces, (all, cuts) => {
      // One byte at a time is for short answers; a long one would take its time.
      const sizes = all.some(({ length }) => length > 300) ? [...cuts, 50_000] : cuts;
      const receiver = new Receiver(new BlockPool(BLOCK_BYTES));
      for (const { length, fill } of all) {
        const body = Buffer.alloc(length, fill);
        const [received, ...more] = receive(receiver, framed(body), sizes);
        assert.equal(more.length, 0);
        assert.ok(received !== undefined && body.equals(received.bytes));
        received.block.release();
      }
    }),
    { numRuns: 60 },
  );
});

test('memory is used again when everybody has released it, and not before', () => {
  const receiver = new Receiver(new BlockPool(BLOCK_BYTES));
  const long = (fill: number) => framed(Buffer.alloc(100_000, fill));
  const next = (fill: number) => {
    const [answer] = receive(receiver, long(fill), [30_000]);
    assert.ok(answer !== undefined);
    return answer;
  };
  const first = next(1);
  const release = first.block.share();
  first.block.release();
  const second = next(2);
  assert.notEqual(second.block.buffer, first.block.buffer);
  assert.equal(first.bytes[99_999], 1);
  release();
  release();
  const third = next(3);
  assert.equal(third.block.buffer, first.block.buffer);
  assert.notEqual(next(4).block.buffer, first.block.buffer);
  assert.equal(third.bytes[0], 3);
});

test('what is no answer is refused before it is gathered', () => {
  for (const words of ['HTTP/1.1 400 Bad Request', Buffer.from([0xff, 0xff, 0xff, 0xff, 0])]) {
    const receiver = new Receiver(new BlockPool(BLOCK_BYTES));
    assert.throws(() => receive(receiver, Buffer.from(words), [100]), RangeError);
    assert.deepEqual(receiver.started, Buffer.from(words));
  }
  const receiver = new Receiver(new BlockPool(BLOCK_BYTES));
  const twice = Buffer.concat([framed(Buffer.alloc(3)), framed(Buffer.alloc(3))]);
  assert.throws(() => receive(receiver, twice, [100]), /the response is longer than declared/);
});
