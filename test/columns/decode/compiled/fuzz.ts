/** Mutated events by the million, each decoded by both paths: `npm run fuzz-decoder`, and a few of them in the suite. */
import fc from 'fast-check';
import { createRandom } from '../../../../src/producer/random.ts';
import { PURCHASE_SCHEMA } from '../../../../src/app/purchases/schema.ts';
import type { Schema } from '../../../../src/columns/schema/schema.ts';
import { BYTES_MAX, SCHEMA } from '../../events.ts';
import { anySchema } from '../../random-schema.ts';
import { Agreement, chunkOf } from './agreement.ts';
import { DocumentWriter } from './documents.ts';

/** Injured events for one schema before it is another one's turn. */
const MUTATIONS_A_SCHEMA = 20_000;
/** One as it was written, and what injuries make of it. */
const EVENTS_A_CHUNK = 8;

export interface FuzzResult {
  readonly events: number;
  /** Those that were made of another one by injuries. */
  readonly mutations: number;
  readonly good: number;
  /** Decoded by the fast path alone. */
  readonly fast: number;
}

/** Decodes `count` injured events both ways, and what they were made of. Stops at the first difference. @throws AssertionError with the event */
export function fuzzDecoder(
  count: number,
  seed: number,
  onSchema: (soFar: FuzzResult) => void = () => undefined,
): FuzzResult {
  const writer = new DocumentWriter(createRandom(seed));
  const schemas = fc.sample(anySchema, { numRuns: Math.ceil(count / MUTATIONS_A_SCHEMA), seed });
  const result = { events: 0, mutations: 0, good: 0, fast: 0 };
  for (let turn = 0; result.mutations < count; turn++) {
    const ofSchema = turn % 4 === 0 ? PURCHASE_SCHEMA : turn % 4 === 1 ? SCHEMA : (schemas[turn] as Schema);
    const agreement = new Agreement(ofSchema, { valueBytesMax: BYTES_MAX });
    const enough = Math.min(count, result.mutations + MUTATIONS_A_SCHEMA);
    while (result.mutations < enough) {
      const length = Math.min(EVENTS_A_CHUNK, enough - result.mutations + 1);
      agreement.check(chunkOf(writer.events(ofSchema, length)));
      result.mutations += length - 1;
    }
    result.events += agreement.rows;
    result.good += agreement.good;
    result.fast += agreement.fast;
    onSchema(result);
  }
  return result;
}
