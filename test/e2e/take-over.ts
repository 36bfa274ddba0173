/** Another query in the place of one that is stopped. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ended, Place, RunningCli } from './run-cli.ts';

/** A stop within a write is followed by another try. */
const STOPS_MAX = 50;

/** Stops the query, and runs the command in its place, which must succeed. The first one stays stopped. */
export async function stopAndTakeOver(
  stopped: RunningCli,
  place: Place,
  words: readonly string[],
): Promise<Ended> {
  for (let stops = 1; stops <= STOPS_MAX; stops += 1) {
    stopped.kill('SIGSTOP');
    const ended = await place.run([...words, '--take-over']);
    if (ended.code === 0) return ended;
    assert.equal(ended.code, 5, ended.stderr);
    assert.match(ended.stderr, /another process is in the middle of a write/);
    stopped.kill('SIGCONT');
    await sleep(10 + stops);
  }
  assert.fail('the query was stopped within a write every time');
}
