/** Holds the compiled decoder to the exact one: the same problems and the same cells, whatever the bytes. */
import assert from 'node:assert/strict';
import { ColumnBatch, type Column } from '../../../src/columns/batch.ts';
import { CompiledDecoder } from '../../../src/columns/compiled/compiled-decoder.ts';
import type { Decoder, DecoderOptions } from '../../../src/columns/decoder-types.ts';
import type { Problem } from '../../../src/columns/problem.ts';
import { ScanningDecoder } from '../../../src/columns/scanning-decoder.ts';
import type { Schema } from '../../../src/columns/schema.ts';

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
    assert.equal(this.fastBatch.space.arenaUsed, this.exactBatch.space.arenaUsed, 'bytes of the arena');
  }

  private difference(
    row: number,
    expected: Problem | undefined,
    found: Problem | undefined,
  ): string | undefined {
    if (!sameProblem(expected, found)) return `${JSON.stringify(found)} for ${JSON.stringify(expected)}`;
    for (let leaf = 0; leaf < this.exactBatch.columns.length; leaf++) {
      const [exact, fast] = [this.exactBatch.columns[leaf] as Column, this.fastBatch.columns[leaf] as Column];
      if (!sameCell(exact, fast, row, row))
        return `another cell of ${JSON.stringify(this.exactBatch.leaves[leaf])} in row ${row}`;
    }
    return undefined;
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

function sameProblem(a: Problem | undefined, b: Problem | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.reason === b.reason && a.field === b.field && a.expected === b.expected && a.actual === b.actual;
}

/** Texts are compared by their places, codes by what they stand for, and numbers so that 0 is not -0. */
function sameCell(a: Column, b: Column, rowOfA: number, rowOfB: number): boolean {
  switch (a.kind) {
    case 'string':
      return b.kind === 'string' && a.start[rowOfA] === b.start[rowOfB] && a.end[rowOfA] === b.end[rowOfB];
    case 'dictionary': {
      if (b.kind !== 'dictionary') return false;
      const [codeA, codeB] = [a.codes[rowOfA] as number, b.codes[rowOfB] as number];
      if (codeA < 0 || codeB < 0) return codeA === codeB;
      return a.dictionary.text(codeA) === b.dictionary.text(codeB);
    }
    case 'array': {
      if (b.kind !== 'array') return false;
      const [startA, startB] = [a.start[rowOfA] as number, b.start[rowOfB] as number];
      const count = (a.end[rowOfA] as number) - startA;
      if ((b.end[rowOfB] as number) - startB !== count || startA < 0 !== startB < 0) return false;
      for (let item = 0; item < count; item++)
        if (!sameCell(a.items, b.items, startA + item, startB + item)) return false;
      return true;
    }
    case 'decimal':
    case 'long':
      return (b.kind === 'decimal' || b.kind === 'long') && Object.is(a.get(rowOfA), b.get(rowOfB));
    case 'boolean':
      return b.kind === 'boolean' && a.values[rowOfA] === b.values[rowOfB];
    default:
      return a.kind === b.kind && Object.is(a.values[rowOfA], b.values[rowOfB]);
  }
}
