/** The commands on a Kafka cluster, as a user has them, and what a topic of purchases sums up to. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, findCoordinatorV4, offsetFetchV8 } from '@platformatic/kafka';
import type { Log } from '../../src/contracts/log.ts';
import { openKafkaLog } from '../../src/log/kafka/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { readPartition } from '../contract/log/log-records.ts';
import { logLines, Place, type RunningCli } from '../e2e/run-cli.ts';

export interface Totals {
  readonly runningTotals: readonly {
    readonly currency: string;
    readonly total: string;
    readonly transactions: number;
  }[];
  readonly accounting: {
    readonly read: number;
    readonly accepted: number;
    readonly invalid: number;
    readonly duplicate: number;
  };
}

const UNTIL_READ_MS_MAX = 240_000;

/** A query as fast as possible. */
export const AT_ONCE = { TALLYSTREAM_QUERY_TRIGGER: '0 seconds' };

/** A folder of its own, and the words that send a command to the cluster and the topic. */
export function placeOn(t: TestContext, bootstrap: string, topic: string) {
  const place = new Place();
  t.after(() => place.remove());
  const words = ['--log', 'kafka', '--bootstrap-servers', bootstrap, '--topic', topic];
  return { place, words: [...words, '--data-dir', place.dataDir] };
}

/** Starts a command that is ended with the test. */
export function startOn(
  t: TestContext,
  place: Place,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningCli {
  const cli = place.start(words, { env });
  t.after(() => cli.kill('SIGKILL'));
  return cli;
}

export async function openLog(t: TestContext, bootstrap: string): Promise<Log> {
  const log = await openKafkaLog({
    bootstrapServers: bootstrap.split(','),
    clock: systemClock,
    clientId: 'test',
  });
  t.after(() => log.close());
  return log;
}

/** A connection for what the log's contract has not. */
export async function connect(t: TestContext, port: number): Promise<Connection> {
  const connection = new Connection('test');
  connection.on('error', () => undefined);
  await connection.connect('127.0.0.1', port);
  t.after(() => connection.close());
  return connection;
}

/** The sum of every record's amount, taken from its text, and their number; an event id twice fails. */
export async function sumOfTopic(log: Log, topic: string): Promise<{ total: string; transactions: number }> {
  const ids = new Set<string>();
  let cents = 0n;
  for (const { partition } of await log.offsets(topic)) {
    for (const { value } of await readPartition(log, topic, partition)) {
      const [, id = ''] = /"event_id":"([^"]+)"/.exec(value ?? '') ?? [];
      const [, whole = '', hundredths = ''] = /"total_amount":(\d+)\.(\d\d)[,}]/.exec(value ?? '') ?? [];
      assert.ok(whole !== '' && !ids.has(id), `${id} ${value ?? 'without a value'}`);
      ids.add(id);
      cents += BigInt(whole + hundredths);
    }
  }
  const total = `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
  return { total, transactions: ids.size };
}

/** Waits until so many events are committed. */
export async function untilRead(place: Place, words: readonly string[], events: number): Promise<void> {
  const endMs = performance.now() + UNTIL_READ_MS_MAX;
  while ((await place.json<Totals>(['totals', ...words])).accounting.read < events) {
    assert.ok(performance.now() < endMs, `${events} events were not read in time`);
    await sleep(300);
  }
}

/** Asserts that the totals are those of the topic, and that each of its events was read once. */
export async function assertExact(place: Place, words: readonly string[], log: Log, topic: string) {
  const { runningTotals, accounting } = await place.json<Totals>(['totals', ...words]);
  const sum = await sumOfTopic(log, topic);
  assert.deepEqual(runningTotals, [{ currency: 'USD', ...sum }]);
  assert.deepEqual([accounting.read, accounting.accepted], [sum.transactions, sum.transactions]);
}

/** How far the query is, by partition, as tools see it that watch the group of its name. */
export async function groupOffsets(
  t: TestContext,
  port: number,
  topic: string,
  partitions: number,
): Promise<number[]> {
  const groupId = 'purchase-totals';
  const { coordinators } = await findCoordinatorV4.api.async(await connect(t, port), 0, [groupId]);
  const coordinator = await connect(t, coordinators[0]?.port as number);
  const asked = { name: topic, partitionIndexes: Array.from({ length: partitions }, (_, index) => index) };
  const groups = [{ groupId, memberEpoch: -1, topics: [asked] }];
  const answer = await offsetFetchV8.api.async(coordinator, groups, false);
  return (answer.groups[0]?.topics[0]?.partitions ?? [])
    .toSorted((left, right) => left.partitionIndex - right.partitionIndex)
    .map(({ committedOffset }) => Number(committedOffset));
}

/** How often the query has said that it waits, and the longest time between two of these lines. */
export function waitsOf(stderr: string): { readonly count: number; readonly gapMs: number } {
  const atMs = logLines(stderr)
    .filter(({ operation }) => operation === 'wait')
    .map(({ time }) => Date.parse(time as string));
  const gaps = atMs.slice(1).map((ms, index) => ms - (atMs[index] as number));
  return { count: atMs.length, gapMs: Math.max(0, ...gaps) };
}
