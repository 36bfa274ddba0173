/** Holds the compiled decoder to the exact one: the same problems and the same cells, whatever the bytes. */
import assert from 'node:assert/strict';
import { ColumnBatch, type Column } from '../../../../src/columns/column-chunk.ts';
import { CompiledDecoder } from '../../../../src/columns/decode/compiled/compiled-decoder.ts';
import type { Decoder, DecoderOptions } from '../../../../src/columns/decode/decoder-types.ts';
import type { Problem } from '../../../../src/columns/decode/problem.ts';
import { ScanningDecoder } from '../../../../src/columns/decode/scanning-decoder.ts';
import type { Schema } from '../../../../src/columns/schema/schema.ts';

/** Counts what the fast path leaves over. */
class CountedDecoder implements Decoder {
  rows = 0;
  private readonly decoder: Decoder;

  constructor(decoder: Decoder) {
    this.decoder = decoder;
  }

  decode(batch: ColumnBatch, start: number, end: number, row: number): Problem | undefined {
    this.rows++;
    return this.decoder.decode(batch, start, end, row);
  }

  decodeRows(): never {
    throw new Error('the compiled decoder leaves single rows');
  }
}

/** Events one behind the other, without a gap, in a chunk that ends where the last one ends. */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

export function chunkOf(events: readonly Uint8Array[]): Chunk {
  const ends: number[] = [];
  let length = 0;
  for (const event of events) ends.push((length += event.length));
  const bytes = new Uint8Array(length);
  const starts = [0, ...ends.slice(0, -1)];
  events.forEach((event, row) => bytes.set(event, starts[row]));
  return { bytes, starts: Int32Array.from(starts.slice(0, events.length)), ends: Int32Array.from(ends) };
}

export class Agreement {
  /** Rows compared, those among them that were good, and those that the fast path decoded alone. */
  rows = 0;
  good = 0;
  fast = 0;

  private readonly exactBatch: ColumnBatch;
  private readonly fastBatch: ColumnBatch;
  private readonly exact: Decoder;
  private readonly left: CountedDecoder;
  private readonly compiled: Decoder;

  constructor(schema: Schema, options: DecoderOptions) {
    this.exactBatch = new ColumnBatch(schema, 1);
    this.fastBatch = new ColumnBatch(schema, 1);
    this.exact = new ScanningDecoder(schema, options);
    this.left = new CountedDecoder(new ScanningDecoder(schema, options));
    this.compiled = new CompiledDecoder(schema, options, this.left);
  }

  /** Decodes a chunk both ways. @throws AssertionError with the event where they differ */
  check({ bytes, starts, ends }: Chunk): void {
    const count = starts.length;
    this.exactBatch.reset(bytes, count);
    this.fastBatch.reset(bytes, count);
    const expected = problemsOf(this.exact, this.exactBatch, starts, ends);
    this.left.rows = 0;
    const found = problemsOf(this.compiled, this.fastBatch, starts, ends);
    this.rows += count;
    this.fast += count - this.left.rows;
    for (let row = 0; row < count; row++) {
      const difference = this.difference(row, expected[row], found[row]);
      if (difference === undefined) continue;
      const event = Buffer.from(bytes.subarray(starts[row], ends[row]));
      assert.fail(`${difference}\nevent: ${event.toString()}\nhex: ${event.toString('hex')}`);
    }
    this.good += expected.filter((problem) => problem === undefined).length;
    // What the fast path gave up must leave no trace in what rows share.
    assert.deepEqual(sharedUse(this.fastBatch), sharedUse(this.exactBatch));
  }

  private difference(
    row: number,
    expected: Problem | undefined,
    found: Problem | undefined,
  ): string | undefined {
    if (!sameProblem(expected, found)) return `${JSON.stringify(found)} for ${JSON.stringify(expected)}`;
    for (let leaf = 0; leaf < this.exactBatch.columns.length; leaf++) {
      const [exact, fast] = [this.exactBatch.columns[leaf] as Column, this.fastBatch.columns[leaf] as Column];
      if (!this.sameCell(exact, fast, row, row))
        return `another cell of ${JSON.stringify(this.exactBatch.leaves[leaf])} in row ${row}`;
    }
    return undefined;
  }

  /** Codes and places are compared by the text that they stand for, and numbers so that 0 is not -0. */
  private sameCell(exact: Column, fast: Column, row: number, fastRow: number): boolean {
    switch (exact.kind) {
      case 'string': {
        if (fast.kind !== 'string') return false;
        const [start, end] = [exact.start[row] as number, exact.end[row] as number];
        const [fastStart, fastEnd] = [fast.start[fastRow] as number, fast.end[fastRow] as number];
        // A text with escapes lies behind the chunk, in the order in which the path met it.
        if (start < this.exactBatch.space.chunk.length) return start === fastStart && end === fastEnd;
        return this.exactBatch.space.text(start, end) === this.fastBatch.space.text(fastStart, fastEnd);
      }
      case 'dictionary': {
        if (fast.kind !== 'dictionary') return false;
        const [code, fastCode] = [exact.codes[row] as number, fast.codes[fastRow] as number];
        if (code < 0 || fastCode < 0) return code === fastCode;
        return exact.dictionary.text(code) === fast.dictionary.text(fastCode);
      }
      case 'array': {
        if (fast.kind !== 'array') return false;
        const [start, fastStart] = [exact.start[row] as number, fast.start[fastRow] as number];
        const count = (exact.end[row] as number) - start;
        if ((fast.end[fastRow] as number) - fastStart !== count || start < 0 !== fastStart < 0) return false;
        for (let item = 0; item < count; item++)
          if (!this.sameCell(exact.items, fast.items, start + item, fastStart + item)) return false;
        return true;
      }
      case 'decimal':
      case 'long':
        return exact.kind === fast.kind && Object.is(exact.get(row), fast.get(fastRow));
      case 'boolean':
        return fast.kind === 'boolean' && exact.values[row] === fast.values[fastRow];
      default:
        return exact.kind === fast.kind && Object.is(exact.values[row], fast.values[fastRow]);
    }
  }
}

function problemsOf(
  decoder: Decoder,
  batch: ColumnBatch,
  starts: Int32Array,
  ends: Int32Array,
): (Problem | undefined)[] {
  const problems: (Problem | undefined)[] = Array.from(starts, () => undefined);
  decoder.decodeRows(batch, starts, ends, 0, starts.length, (row, problem) => {
    problems[row] = problem;
  });
  return problems;
}

function sharedUse({ columns, space }: ColumnBatch): readonly number[] {
  return [space.arenaUsed, ...columns.map((column) => (column.kind === 'array' ? column.itemsUsed : 0))];
}

function sameProblem(a: Problem | undefined, b: Problem | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.reason === b.reason && a.field === b.field && a.expected === b.expected && a.actual === b.actual;
}
