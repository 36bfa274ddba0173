/**
 * However the input of any typed query is cut into batches, killed, restarted and taken over, every record gets the
 * oracle's verdict, and tables and outputs come to the oracle's. `npm run typed-campaign` runs 10,000 cases.
 */
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { typedCase } from './typed/case.ts';
import { check } from './typed/check.ts';
import { runCase } from './typed/run.ts';

const RUNS = Number(process.env['TYPED_RUNS'] ?? 500);
/** A random one, unless a failure is to be seen again. */
const SEED = Number(process.env['TYPED_SEED'] ?? Math.trunc(performance.timeOrigin) % 2 ** 31);
const PATH = process.env['TYPED_PATH'];

describe('typed queries', () => {
  it(`come to what the oracle says (${RUNS} cases, TYPED_SEED=${SEED})`, async () => {
    await fc.assert(
      fc.asyncProperty(typedCase, async (drawn) => {
        const ran = await runCase(drawn);
        try {
          check(drawn, ran);
        } finally {
          ran.close();
        }
      }),
      {
        numRuns: RUNS,
        seed: SEED,
        ...(PATH === undefined ? {} : { path: PATH }),
        // Shrinking runs hundreds of cases more; it is for whoever looks at a failure.
        endOnFailure: process.env['TYPED_SHRINK'] !== 'yes',
      },
    );
  });
});
