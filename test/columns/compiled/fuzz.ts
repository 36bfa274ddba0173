/** Mutated events by the million, each decoded by both paths: `npm run fuzz-decoder`, and a few of them in the suite. */
import fc from 'fast-check';
import { createRandom } from '../../../src/producer/random.ts';
import { PURCHASE_SCHEMA } from '../../../src/purchases/schema.ts';
import type { Schema } from '../../../src/columns/schema.ts';
import { BYTES_MAX, SCHEMA } from '../events.ts';
import { anySchema } from '../random-schema.ts';
import { Agreement, chunkOf } from './agreement.ts';
import { DocumentWriter } from './documents.ts';

/** Events for one schema before it is another one's turn. */
const EVENTS_A_SCHEMA = 20_000;
const EVENTS_A_CHUNK = 16;

export interface FuzzResult {
  readonly events: number;
  readonly good: number;
  /** Decoded by the fast path alone. */
  readonly fast: number;
}

/** Stops at the first difference. @throws AssertionError with the event */
export function fuzzDecoder(
  count: number,
  seed: number,
  onSchema: (soFar: FuzzResult) => void = () => undefined,
): FuzzResult {
  const writer = new DocumentWriter(createRandom(seed));
  const schemas = fc.sample(anySchema, { numRuns: Math.ceil(count / EVENTS_A_SCHEMA), seed });
  const result = { events: 0, good: 0, fast: 0 };
  for (let turn = 0; result.events < count; turn++) {
    const ofSchema = turn % 4 === 0 ? PURCHASE_SCHEMA : turn % 4 === 1 ? SCHEMA : (schemas[turn] as Schema);
    const agreement = new Agreement(ofSchema, { valueBytesMax: BYTES_MAX });
    const limit = Math.min(EVENTS_A_SCHEMA, count - result.events);
    while (agreement.rows < limit) {
      const length = Math.min(EVENTS_A_CHUNK, limit - agreement.rows);
      agreement.check(chunkOf(Array.from({ length }, () => writer.event(ofSchema))));
    }
    result.events += agreement.rows;
    result.good += agreement.good;
    result.fast += agreement.fast;
    onSchema(result);
  }
  return result;
}
