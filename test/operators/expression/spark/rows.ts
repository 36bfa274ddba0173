/** Events for expressions: a field of every type, with the values at which arithmetic and text go wrong. */
import assert from 'node:assert/strict';
import { ColumnBatch } from '../../../../src/columns/column-chunk.ts';
import { createDecoder } from '../../../../src/columns/decode/decoder.ts';
import { optional, schema, types } from '../../../../src/columns/schema/schema.ts';

export const SCHEMA = schema([
  optional('s', types.string(), ''),
  optional('w', types.string({ dictionary: true }), ''),
  optional('b', types.boolean(), ''),
  optional('c', types.boolean(), ''),
  optional('i', types.int(), ''),
  optional('j', types.int(), ''),
  optional('l', types.long(), ''),
  optional('d', types.double(), ''),
  optional('p', types.decimal(18, 2), ''),
  optional('r', types.decimal(5, 3), ''),
  optional('q', types.decimal(38, 10), ''),
  optional('z', types.decimal(38, 0), ''),
  optional('t', types.timestamp(), ''),
  optional('day', types.date(), ''),
  optional('place', types.struct([optional('country', types.string(), '')]), ''),
  optional('tags', types.array(types.string(), { containsNull: true }), ''),
  optional('counts', types.array(types.int(), { containsNull: true }), ''),
  optional('prices', types.array(types.decimal(5, 2)), ''),
]);

/** JSON as it stands in a log, so that no number passes through a float on its way. */
export const ROWS: readonly string[] = [
  '{"s":"abc","w":"Books","b":true,"c":false,"i":3,"j":4,"l":5,"d":0.5,"p":12.50,"r":1.125,"q":2.0000000001,"z":7,"t":"2025-06-26T23:02:03.120Z","day":"2025-06-26","place":{"country":"DE"},"tags":["a","b"],"counts":[1,2,3],"prices":[1.5,2.25]}',
  '{}',
  '{"s":"","w":"","b":false,"c":false,"i":0,"j":0,"l":0,"d":0,"p":0,"r":0,"q":0,"z":0,"t":"1970-01-01T00:00:00Z","day":"1970-01-01","place":{"country":""},"tags":[],"counts":[],"prices":[]}',
  '{"s":"  stra\\u00dfe \\ufb01 ","w":"\\u0391\\u03a3","b":true,"c":null,"i":-7,"j":3,"l":-9223372036854775808,"d":-2.75,"p":-0.05,"r":-99.999,"q":-0.5000000000,"z":-99999999999999999999999999999999999999,"t":"1969-12-31T23:59:59.999999Z","day":"0001-01-01","place":{"country":"de"},"tags":["a",null],"counts":[null],"prices":[0]}',
  '{"s":"a\\ud83d\\ude00c","w":"\\ue000","b":null,"c":true,"i":2147483647,"j":1,"l":9223372036854775807,"d":1.7e308,"p":9999999999999999.99,"r":0.001,"q":9999999999999999999999999999.9999999999,"z":99999999999999999999999999999999999999,"t":"2025-10-26T00:30:00Z","day":"9999-12-31","tags":["\\ud83d\\ude00"],"counts":[2147483647],"prices":[999.99]}',
  '{"s":" 12 ","w":"\\ud83d\\ude00","b":null,"c":null,"i":-2147483648,"j":-1,"l":9007199254740993,"d":1e-7,"p":0.01,"r":33.333,"q":0.0000000001,"z":3,"t":"2024-02-29T12:00:00.5Z","day":"2024-02-29","place":{"country":"A\\u0301"},"counts":[-1,null,5]}',
  '{"s":"-1.5e1","w":"books","b":false,"c":null,"i":10,"j":null,"l":4294967296,"d":9007199254740993,"p":1.005e2,"r":0.005,"q":123456789012345678.123456789,"z":12345678901234567890,"t":"2025-03-30T00:59:59.999Z","day":"2025-03-30"}',
  '{"s":"2025-6-1","w":"\\u0130I\\u0131","b":true,"c":true,"i":1,"j":-3,"l":-1,"d":9.3e18,"p":99.99,"r":99.995,"q":-123.45,"z":-1,"t":"2025-12-31T23:30:00Z","day":"2025-12-31","tags":[null]}',
];

/** All rows in one batch, decoded as the engine does. */
export function decodedRows(): ColumnBatch<typeof SCHEMA> {
  const batch = new ColumnBatch(SCHEMA, 4);
  const events = ROWS.map((row) => new TextEncoder().encode(row));
  batch.reset(new Uint8Array(Buffer.concat(events)), events.length);
  const decoder = createDecoder(SCHEMA, { valueBytesMax: 10_000 });
  let start = 0;
  events.forEach((event, row) => {
    assert.equal(decoder.decode(batch, start, start + event.length, row), undefined);
    start += event.length;
  });
  return batch;
}
