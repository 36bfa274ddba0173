/** kill -9 of a query whose batches several threads prepare: the same totals as of one that nobody kills, on one thread. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { roundsOf } from './support/rounds.ts';
import { createWorkplace } from './support/workplace.ts';

const EVENTS = 160_000;
/** Large enough to be prepared by several threads. */
const OFFSETS_MAX = 24_000;
const KILLS = 6;
/** About as long as a process takes for its start and one or two batches. */
const ALIVE_MS_MAX = 1_200;

test('a query with several threads that is killed again and again counts everything once', async (t) => {
  const { seed, rounds, random, say } = roundsOf((text) => t.diagnostic(text), KILLS);
  const place = createWorkplace({ offsetsMax: OFFSETS_MAX, workers: 2 });
  t.after(() => place.remove());
  const produced = await place.run(['produce', '--events', String(EVENTS), '--rate', 'max', '--seed', seed]);
  assert.equal(produced.code, 0, produced.stderr);
  const query = ['run', '--json', '--available-now', '--ui-port', 'off'];
  let kills = 0;
  for (; kills < rounds; kills += 1) {
    const cli = place.start(query);
    await Promise.race([sleep(random.below(ALIVE_MS_MAX)), cli.end()]);
    if (cli.hasEnded) break;
    await cli.kill();
  }
  say(`killed ${kills} times`);
  const killed = await totalsOf({});
  const calm = await totalsOf({ TALLYSTREAM_QUERY_WORKERS: '0', TALLYSTREAM_QUERY_NAME: 'calm' });
  assert.deepEqual({ ...killed, queryName: 'calm', lastBatchId: calm['lastBatchId'] }, calm);

  async function totalsOf(env: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
    const ended = await place.run(query, 'direct', env);
    assert.equal(ended.code, 0, ended.stderr);
    const totals = await place.run(['totals', '--json'], 'direct', env);
    assert.equal(totals.code, 0, totals.stderr);
    return JSON.parse(totals.stdout) as Record<string, unknown>;
  }
});
