import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RECORD_VALUE_BYTES_MAX } from '../../../src/contracts/log.ts';
import { type Line, splitLines } from '../../../src/producer/lines/lines.ts';

async function linesOf(blocks: Iterable<Uint8Array>): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const some of splitLines(asyncBlocks(blocks))) lines.push(...some);
  return lines;
}

async function* asyncBlocks(blocks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* blocks;
}

const texts = async (input: string): Promise<string[]> =>
  (await linesOf([Buffer.from(input, 'latin1')])).map(({ bytes }) => Buffer.from(bytes).toString('latin1'));

describe('lines', () => {
  test('end with LF; a CR stays, an empty line counts, and so does a last one without LF', async () => {
    assert.deepEqual(await texts('a\r\n\nb'), ['a\r', '', 'b']);
    assert.deepEqual(await texts('a\n'), ['a']);
    assert.deepEqual(await texts('\n\n'), ['', '']);
    assert.deepEqual(await texts(''), []);
  });

  test('carry every byte, however the input is cut into blocks, and know where they end', async () => {
    const bytes = fc
      .uint8Array({ maxLength: 200 })
      .map((array) => array.map((byte) => (byte < 60 ? 10 : byte)));
    const cuts = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 });
    const carried = fc.asyncProperty(bytes, cuts, async (input, sizes) => {
      const blocks: Uint8Array[] = [];
      let at = 0;
      for (const size of [...sizes, input.length]) {
        blocks.push(input.subarray(at, at + size));
        at = Math.min(input.length, at + size);
      }
      const lines = await linesOf(blocks);
      let start = 0;
      lines.forEach((line, index) => {
        assert.equal(line.number, index + 1);
        assert.ok(!line.bytes.includes(10));
        assert.deepEqual(Uint8Array.from(line.bytes), input.slice(start, start + line.bytes.length));
        start = line.endByte;
      });
      assert.equal(start, input.length);
      const ends = input.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0);
      assert.equal(lines.length, ends + (input.length > 0 && input.at(-1) !== 10 ? 1 : 0));
    });
    await fc.assert(carried, { numRuns: 300 });
  });
});

describe('a line that no record holds', () => {
  const block = new Uint8Array(1024 * 1024).fill(97);

  test('is refused with its number and size, after the lines before it', async () => {
    const blocks = [
      Buffer.from('one\ntwo\n'),
      ...Array.from({ length: 17 }, () => block),
      Buffer.from('\nlast\n'),
    ];
    const given: number[] = [];
    const reading = async (): Promise<void> => {
      for await (const lines of splitLines(asyncBlocks(blocks)))
        given.push(...lines.map(({ number }) => number));
    };
    await assert.rejects(reading(), {
      code: 'RECORD_TOO_LARGE',
      message: new RegExp(`Line 3 .* ${17 * 2 ** 20} bytes`),
    });
    assert.deepEqual(given, [1, 2]);
  });

  test('is one byte above the bound; at the bound it is carried', async () => {
    const whole = new Uint8Array(RECORD_VALUE_BYTES_MAX);
    const lines = await linesOf([whole, Buffer.from('\n')]);
    assert.equal(lines[0]?.bytes.length, RECORD_VALUE_BYTES_MAX);
    await assert.rejects(linesOf([whole, Buffer.from('x')]), { code: 'RECORD_TOO_LARGE' });
  });

  test('is not read for ever where its end does not come', async () => {
    function* endless(): Generator<Uint8Array> {
      for (;;) yield block;
    }
    await assert.rejects(linesOf(endless()), { code: 'RECORD_TOO_LARGE', message: /Line 1 .* more than/ });
  });
});
