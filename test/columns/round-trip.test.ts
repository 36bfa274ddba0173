import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ColumnBatch } from '../../src/columns/column-chunk.ts';
import { ContentHasher } from '../../src/columns/hash/content-hash.ts';
import { createDecoder } from '../../src/columns/decode/decoder.ts';
import { leavesOf, type LeafType, type Schema } from '../../src/columns/schema/schema.ts';
import { rowOf } from '../../src/columns/rows.ts';
import { anyJson, mutated, valuesOf, verdictOf } from './events.ts';
import { judge, type Value } from './oracle.ts';
import { anySchema, eventSample, type Sample } from './random-schema.ts';

const BYTES_MAX = 1 << 20;

/** Decodes events that lie in one chunk without a gap; row n is event n. */
function decodeAll(ofSchema: Schema, events: readonly string[]) {
  const batch = new ColumnBatch(ofSchema, 1);
  const decoder = createDecoder(ofSchema, { valueBytesMax: BYTES_MAX });
  const parts = events.map((event) => Buffer.from(event));
  batch.reset(Buffer.concat(parts), parts.length);
  let at = 0;
  const problems = parts.map((part, row) => decoder.decode(batch, at, (at += part.length), row));
  return { batch, problems };
}

/** As JSON reads it back. `deepStrictEqual` tells -0 from 0, and a bigint from a number. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

test('random events of random schemas come back exactly, however they are written', () => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(
      anySchema.chain((ofSchema) =>
        fc.tuple(fc.constant(ofSchema), fc.array(eventSample(ofSchema), { minLength: 1, maxLength: 4 })),
      ),
      ([ofSchema, samples]) => {
        const { batch, problems } = decodeAll(
          ofSchema,
          samples.map(({ json }) => json),
        );
        samples.forEach((sample: Sample, row) => {
          assert.equal(problems[row], undefined);
          assert.deepEqual(plain(rowOf(batch, row)), sample.cell);
        });
        for (const { type } of leavesOf(ofSchema)) kinds.add(type.kind);
      },
    ),
    { numRuns: 3_000 },
  );
  assert.equal(kinds.size, 9, `only ${[...kinds].join(', ')}`);
});

test('equal rows of a random schema hash alike, and others do not', () => {
  let alike = 0;
  fc.assert(
    fc.property(
      // Few values of few fields, so that equal rows come up.
      anySchema.chain((ofSchema) =>
        fc.tuple(
          fc.constant(ofSchema),
          fc.array(eventSample(ofSchema), { minLength: 2, maxLength: 6, size: 'xsmall' }),
        ),
      ),
      ([ofSchema, samples]) => {
        const { batch } = decodeAll(
          ofSchema,
          samples.map(({ json }) => json),
        );
        const hasher = new ContentHasher(batch, new Uint8Array(16));
        const hashes = samples.map((_, row) => {
          hasher.hash(row);
          return hasher.words.join(' ');
        });
        samples.forEach((a, row) => {
          samples.slice(0, row).forEach((b, other) => {
            const equal = contentOf(a) === contentOf(b);
            assert.equal(hashes[row] === hashes[other], equal, `${a.json} and ${b.json}`);
            if (equal && a.json !== b.json) alike++;
          });
        });
      },
    ),
    { numRuns: 3_000 },
  );
  assert.ok(alike > 50, `only ${alike} pairs of equal rows that are written differently`);
});

/** Names sorted, so that the order of writing is left out; bigints are told from numbers. */
function contentOf({ cell }: Sample): string {
  return JSON.stringify(plain(cell), (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

test('what is wrong with an event of a random schema is what the oracle says, path and all', () => {
  const verdicts = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.oneof(
        { arbitrary: spoiled(), weight: 4 },
        {
          arbitrary: anySchema.chain((ofSchema) =>
            fc.tuple(
              fc.constant(ofSchema),
              mutated(
                eventSample(ofSchema).map(({ json }) => json),
                2,
              ),
            ),
          ),
          weight: 1,
        },
      ),
      ([ofSchema, bytes]) => {
        const expected = judge(bytes, ofSchema, BYTES_MAX);
        const batch = new ColumnBatch(ofSchema, 1);
        batch.reset(bytes, 1);
        const problem = createDecoder(ofSchema, { valueBytesMax: BYTES_MAX }).decode(
          batch,
          0,
          bytes.length,
          0,
        );
        if (expected.kind === 'row') {
          assert.equal(problem, undefined);
          const stored = leavesOf(ofSchema).map(
            ({ path, type }) => [path, asStored(type, expected.values.get(path) as Value)] as const,
          );
          assert.deepEqual(valuesOf(batch, 0), new Map(stored));
          return;
        }
        const { reason, field } = expected.verdict;
        assert.equal(verdictOf(problem), field === null ? reason : `${reason} ${field}`);
        assert.deepEqual(
          new Set(valuesOf(batch, 0).values()),
          new Set([null]),
          'the row of a bad event is null',
        );
        const shape = `${reason}${field?.endsWith(']') === true ? ' of an element' : ''}`;
        verdicts.set(shape, (verdicts.get(shape) ?? 0) + 1);
      },
    ),
    { numRuns: 6_000 },
  );
  for (const shape of ['MISSING_FIELD', 'WRONG_TYPE', 'OUT_OF_RANGE'])
    for (const place of ['', ' of an element'])
      assert.ok((verdicts.get(shape + place) ?? 0) > 5, `${shape}${place}: ${JSON.stringify([...verdicts])}`);
});

/** Instants are doubles, which have no single microseconds after the year 2255. */
function asStored(type: LeafType, value: Value): Value {
  if (type.kind === 'array' && Array.isArray(value))
    return (value as Value[]).map((element) => asStored(type.element, element));
  return type.kind === 'timestamp' && typeof value === 'bigint' ? BigInt(Number(value)) : value;
}

/** Any JSON, and null often enough that elements are missing too. */
const junkJson = fc.oneof({ arbitrary: anyJson, weight: 4 }, { arbitrary: fc.constant('null'), weight: 1 });

/** An event in which one value was replaced by any JSON. */
function spoiled(): fc.Arbitrary<[Schema, Uint8Array]> {
  return anySchema.chain((ofSchema) =>
    fc
      .tuple(eventSample(ofSchema), junkJson, fc.nat())
      .map(([{ json }, junk, place]): [Schema, Uint8Array] => {
        const values = [
          ...json.matchAll(/(?<=[:[,]\s*)(?:"(?:[^"\\]|\\.)*"(?!\s*:)|-?\d[^\s,\]}]*|true|false|null)/gsu),
        ];
        const chosen = values[place % Math.max(1, values.length)];
        if (chosen === undefined) return [ofSchema, Buffer.from(json)];
        const text = json;
        return [
          ofSchema,
          Buffer.from(text.slice(0, chosen.index) + junk + text.slice(chosen.index + chosen[0].length)),
        ];
      }),
  );
}
