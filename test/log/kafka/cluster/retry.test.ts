import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BrokerFault, CODE } from '../../../../src/log/kafka/wire/errors.ts';
import { settleOptions, type KafkaLogOptions } from '../../../../src/log/kafka/cluster/options.ts';
import { Retry } from '../../../../src/log/kafka/cluster/retry.ts';
import { createManualClock, type ManualClock } from '../../../../src/testing/manual-clock.ts';
import { hasCode } from '../../../contract/log/log-under-test.ts';

const away = () => Promise.reject(new BrokerFault(CODE.LEADER_NOT_AVAILABLE));
const hangs = () => new Promise<never>(() => undefined);

/** What has been called comes to its first pause before time goes on. */
async function advance(clock: ManualClock, durationMs: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await clock.advanceInSteps(durationMs);
}

function retryWith(options: Partial<KafkaLogOptions> = {}) {
  const clock = createManualClock(1e12);
  const said: string[] = [];
  const closing = new AbortController();
  const settled = settleOptions({
    bootstrapServers: ['b:9092'],
    clientId: 'test',
    clock,
    onWaiting: (words) => said.push(words),
    ...options,
  });
  const retry = new Retry(settled, closing.signal);
  let passing = 0;
  const run = <T>(act: () => Promise<T>, bound: { timeoutMs?: number; isStrict?: boolean } = {}) =>
    retry.run(act, { timeoutMs: 30_000, ...bound, onPassing: () => (passing += 1) });
  return { clock, said, closing, run, passing: () => passing };
}

describe('a call', () => {
  test('is tried again until it succeeds, with longer and longer pauses', async () => {
    const { clock, run, passing } = retryWith();
    const startedAtMs: number[] = [];
    const answer = run(async () => {
      startedAtMs.push(clock.monotonicMs());
      return startedAtMs.length < 13 ? away() : 'there';
    });
    await advance(clock, 20_000);
    assert.equal(await answer, 'there');
    assert.deepEqual(startedAtMs, [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 2023, 3023]);
    assert.equal(passing(), 12);
  });

  test('ends at its bound, and at once for an error that does not pass', async () => {
    const { clock, run } = retryWith();
    const ended = assert.rejects(run(away), hasCode('LOG_UNAVAILABLE', 'LEADER_NOT_AVAILABLE'));
    await advance(clock, 30_000);
    await ended;
    await assert.rejects(
      run(() => Promise.reject(new TypeError('a mistake'))),
      TypeError,
    );
  });

  test('that hangs ends at its bound only where nothing is at stake', async () => {
    const { clock, run } = retryWith();
    const ended = assert.rejects(run(hangs, { isStrict: true }), hasCode('LOG_UNAVAILABLE', 'timed out'));
    let isOver = false;
    void run(hangs).catch(() => (isOver = true));
    await advance(clock, 60_000);
    await ended;
    assert.equal(isOver, false);
  });

  test('says every few seconds what it waits for, and that it has no answer yet', async () => {
    const { clock, said, run, closing } = retryWith({});
    void run(hangs).catch(() => undefined);
    await advance(clock, 14_000);
    closing.abort();
    assert.deepEqual(said, [
      'Apache Kafka has not responded for 3 s (giving up after 30 s).',
      'Apache Kafka has not responded for 8 s (giving up after 30 s).',
      'Apache Kafka has not responded for 13 s (giving up after 30 s).',
    ]);
  });

  test('says why its last attempt failed, and nothing where it passes soon', async () => {
    const { clock, said, run, closing } = retryWith();
    let attempts = 0;
    const soon = run(() => ((attempts += 1) < 6 ? away() : Promise.resolve()));
    await advance(clock, 900);
    await soon;
    assert.deepEqual(said, []);
    void run(away).catch(() => undefined);
    await advance(clock, 8_000);
    closing.abort();
    assert.match(
      said.join('\n'),
      /^[^\n]*has been unavailable for 1 s .*: the broker answers LEADER_NOT_AVAILABLE\.\n[^\n]*$/,
    );
  });

  test('ends with the log', async () => {
    const { clock, run, closing } = retryWith();
    const ended = assert.rejects(run(away), hasCode('LOG_UNAVAILABLE', 'closed'));
    await advance(clock, 100);
    closing.abort();
    await ended;
  });
});

describe('once nobody wants to wait any more', () => {
  test('a pause ends at once, and a call that hangs a second later', async () => {
    const giveUp = new AbortController();
    const { clock, run } = retryWith({ giveUp: giveUp.signal });
    const pausing = assert.rejects(run(away), hasCode('LOG_UNAVAILABLE', 'LEADER_NOT_AVAILABLE'));
    let isOver = false;
    const hanging = assert.rejects(
      run(hangs).finally(() => (isOver = true)),
      hasCode('LOG_UNAVAILABLE', 'without a response'),
    );
    await advance(clock, 5_000);
    giveUp.abort();
    await pausing;
    await advance(clock, 900);
    assert.equal(isOver, false);
    await advance(clock, 200);
    await hanging;
  });

  test('calls that are answered go on', async () => {
    const giveUp = new AbortController();
    const { clock, run } = retryWith({ giveUp: giveUp.signal });
    giveUp.abort();
    for (let call = 0; call < 5; call += 1) {
      const slow = run(async () => {
        await clock.sleep(800);
        return call;
      });
      await advance(clock, 800);
      assert.equal(await slow, call);
    }
  });
});
