/** What does it take to decode a purchase of about 480 bytes, against JSON.parse of the same bytes? In this process. */
import { Buffer } from 'node:buffer';
import { ColumnBatch } from '../src/columns/column-chunk.ts';
import { createDecoder } from '../src/columns/decode/decoder.ts';
import type { Decoder } from '../src/columns/decode/decoder-types.ts';
import { ScanningDecoder } from '../src/columns/decode/scanning-decoder.ts';
import { createPurchaseGenerator } from '../src/app/purchases/generator/generator.ts';
import { PURCHASE_SCHEMA } from '../src/app/purchases/schema.ts';
import { publish, spreadOf } from './measure.ts';

const RUNS = Number(process.env['BENCH_RUNS'] ?? 15);
const CHUNKS = 40;
const CHUNK_EVENTS = 5_000;
const EVENTS = CHUNKS * CHUNK_EVENTS;
const OPTIONS = { valueBytesMax: 1 << 20 };

interface Chunk {
  readonly bytes: Buffer;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

function chunksOf(rewrite: (text: string) => string): readonly Chunk[] {
  const generator = createPurchaseGenerator({ seed: 1 });
  return Array.from({ length: CHUNKS }, (_, chunk) => {
    const values = Array.from({ length: CHUNK_EVENTS }, (_, row) => {
      const { value } = generator.next(1_750_947_093_000 + chunk * CHUNK_EVENTS + row);
      return Buffer.from(rewrite(Buffer.from(value).toString()));
    });
    let length = 0;
    const ends = Int32Array.from(values, (value) => (length += value.length));
    return { bytes: Buffer.concat(values), starts: Int32Array.of(0, ...ends.subarray(0, -1)), ends };
  });
}

/** Member for member from the last to the first, numbers as they are written. */
function reversed(text: string): string {
  const members = text.slice(1, -1).match(/"\w+":(?:"[^"]*"|\{[^}]*\}|[^,]+)/g) ?? [];
  return `{${members.toReversed().join(',')}}`;
}

function parseAll(chunks: readonly Chunk[]): void {
  let pieces = 0;
  for (const { bytes, starts, ends } of chunks)
    for (let row = 0; row < CHUNK_EVENTS; row++) {
      const event = JSON.parse(bytes.toString('utf8', starts[row], ends[row])) as { quantity: number };
      pieces += event.quantity;
    }
  if (pieces < EVENTS) throw new Error('an event without a quantity');
}

function decodeAll(decoder: Decoder, batch: ColumnBatch, chunks: readonly Chunk[]): void {
  for (const { bytes, starts, ends } of chunks) {
    batch.reset(bytes, CHUNK_EVENTS);
    decoder.decodeRows(batch, starts, ends, 0, CHUNK_EVENTS, (_, problem) => {
      throw new Error(JSON.stringify(problem));
    });
  }
}

/** CPU microseconds an event, of all threads: the machine's other work does not count. */
function microsOf(work: () => void): number {
  const from = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / EVENTS;
}

const compact = chunksOf((text) => text);
const backward = chunksOf(reversed);
const batch = new ColumnBatch(PURCHASE_SCHEMA, CHUNK_EVENTS);
const exact = new ScanningDecoder(PURCHASE_SCHEMA, OPTIONS);
const compiled = createDecoder(PURCHASE_SCHEMA, OPTIONS);
const compiledAnyOrder = createDecoder(PURCHASE_SCHEMA, OPTIONS);

const cases: Readonly<Record<string, () => void>> = {
  'peer: JSON.parse, no columns': () => parseAll(compact),
  'the exact decoder': () => decodeAll(exact, batch, compact),
  'the compiled decoder': () => decodeAll(compiled, batch, compact),
  'the compiled decoder, keys in reverse order': () => decodeAll(compiledAnyOrder, batch, backward),
};
const micros = new Map<string, number[]>(Object.keys(cases).map((name) => [name, []]));
// The first round is left out: it compiles.
for (let run = 0; run <= RUNS; run++)
  for (const [name, work] of Object.entries(cases)) {
    const figure = microsOf(work);
    if (run > 0) micros.get(name)?.push(figure);
  }

const peer = micros.get('peer: JSON.parse, no columns') ?? [];
const figures = [...micros];
publish(
  'decode',
  'Bytes of purchases to columns, one thread',
  'CPU µs an event: min, median, max',
  Object.fromEntries(figures.map(([name, values]) => [name, spreadOf(values)])),
);
publish(
  'decode-ratio',
  'The same against JSON.parse, round by round',
  'times as fast: min, median, max',
  Object.fromEntries(
    figures
      .slice(1)
      .map(([name, values]) => [name, spreadOf(values.map((value, run) => (peer[run] as number) / value))]),
  ),
);
