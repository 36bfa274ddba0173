/** A reader and a writer of another language on the same topics: both clients mean the same by the same bytes. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { makeTopics } from '../../scripts/kafka/topics.js';
import { openKafkaLog } from '../../src/log/kafka/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { createRandom } from '../../src/producer/random.ts';
import { readPartition } from '../contract/log/log-records.ts';
import { Place } from '../e2e/run-cli.ts';
import { createCases, expect, type Case } from '../fault/support/purchases.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';
import {
  inOneOrder,
  sumsOfTopic,
  withoutPython,
  writeInOtherWords,
  type ReadTopic,
  type TopicSums,
} from './python-client.ts';
import { untilSettled } from './settled.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const PARTITIONS = 7;
const LINES = 2_000;

/** A line without its LF. */
type Line = Pick<Case, 'bytes'>;

interface Totals extends TopicSums {
  readonly accounting: Readonly<Record<string, number>>;
}

describe(
  'a client of another language',
  { skip: withoutKafka() || withoutPython(), timeout: 600_000 },
  () => {
    let broker: TestBroker;
    before(async () => {
      broker = await startBroker();
    });
    after(() => broker.stop());

    test('writes events in other words, and they count as those that produce writes', async (t) => {
      const { seed, cases } = purchases(t);
      const ours = await topicFor(t, broker, 'ours');
      await ours.produce(cases);
      const theirs = await topicFor(t, broker, 'theirs');
      const written = await writeInOtherWords(broker, ndjson(cases), {
        topic: 'theirs',
        seed,
        compression: CODECS,
      });
      assert.equal(written.written, LINES);
      // Of the verdicts, too: each event is invalid, late or a duplicate in either topic.
      const { totals } = expect(cases);
      assert.deepEqual(await ours.totals(), totals);
      assert.deepEqual(await theirs.totals(), totals);
    });

    test('writes what produce has written before, and each is the duplicate of its own', async (t) => {
      const { seed, cases } = purchases(t);
      const accepted = cases.filter(({ verdict }) => verdict === 'accepted');
      // An id is remembered as long as the watermark is behind its event, and this file is a day and more.
      const both = await topicFor(t, broker, 'both', { TALLYSTREAM_QUERY_WATERMARK_DELAY: '30 days' });
      await both.produce(accepted);
      await writeInOtherWords(broker, ndjson(accepted), { topic: 'both', seed, compression: CODECS });
      const twice = { read: 2 * accepted.length, duplicate: accepted.length };
      const { totals } = expect(accepted);
      const accounting = { ...(totals['accounting'] as Totals['accounting']), ...twice };
      assert.deepEqual(await both.totals(), { ...totals, accounting });
      const { read, events } = await sumsOfTopic(broker, 'both');
      assert.deepEqual([read, events], [2 * accepted.length, accepted.length]);
    });

    test('chooses the partition that produce chooses, for keys of any bytes', async (t) => {
      const { seed, cases } = purchases(t);
      const line = (cases.find(({ verdict }) => verdict === 'accepted') as Case).bytes.toString();
      const random = createRandom(seed);
      const keys = Array.from({ length: 40 }, (_, length) =>
        ['x', 'ß', '\u4e2d', '\u{1f642}', '\u007f'].map(
          (letter) => letter.repeat(length + 1) + String(random.below(10 ** (1 + (length % 5)))),
        ),
      ).flat();
      const made = keys.map((key, index) => {
        const event = { ...(JSON.parse(line) as object), event_id: `key-${index}`, customer_id: key };
        return { bytes: Buffer.from(JSON.stringify(event)) };
      });
      const ours = await topicFor(t, broker, 'our-keys');
      await ours.produce(made);
      await topicFor(t, broker, 'their-keys');
      const { partitions } = await writeInOtherWords(broker, ndjson(made), { topic: 'their-keys', seed });
      const chosen = await partitionsOfKeys(broker, 'our-keys');
      assert.deepEqual(chosen, partitions);
      assert.deepEqual(await partitionsOfKeys(broker, 'their-keys'), partitions);
      assert.deepEqual(new Set(Object.keys(chosen)), new Set(keys));
      assert.equal(new Set(Object.values(chosen)).size, PARTITIONS, 'the keys lie in all partitions');
    });

    test('reads what produce writes with any compression, to the sums of totals', async (t) => {
      const { seed, cases } = purchases(t);
      const accepted = cases.filter(({ verdict }) => verdict === 'accepted');
      const topic = await topicFor(t, broker, 'compressed');
      const size = Math.ceil(accepted.length / CODECS.length);
      for (const [index, codec] of CODECS.entries())
        await topic.produce(accepted.slice(index * size, (index + 1) * size), codec);
      checkAgree(await topic.totals(), await sumsOfTopic(broker, 'compressed'));

      const live = await topicFor(t, broker, 'generated');
      await live.ok(['produce', '--events', String(LINES), '--rate', 'max', '--seed', seed]);
      checkAgree(await live.totals(), await sumsOfTopic(broker, 'generated'));
    });

    test('aborts and commits transactions, and only what is committed counts', async (t) => {
      const { seed, cases } = purchases(t);
      const accepted = cases.filter(({ verdict }) => verdict === 'accepted');
      const half = accepted.length / 2;
      const topic = await topicFor(t, broker, 'transactions');
      const write = (part: readonly Case[], transaction: 'commit' | 'abort') =>
        writeInOtherWords(broker, ndjson(part), { topic: 'transactions', seed, transaction });
      await write(accepted, 'abort');
      await write(accepted.slice(0, half), 'commit');
      await write(accepted, 'abort');
      await untilSettled(t, broker.port, 'transactions');
      const totals = await topic.totals();
      checkAgree(totals, await sumsOfTopic(broker, 'transactions'));
      assert.deepEqual(totals, expect(accepted.slice(0, half)).totals);
    });
  },
);

/** Purchases with all verdicts; the seed is printed. */
function purchases(t: TestContext): { seed: string; cases: readonly Case[] } {
  const seed = process.env['FAULT_SEED'] ?? String(randomInt(2 ** 32));
  t.diagnostic(`FAULT_SEED=${seed}`);
  return { seed, cases: createCases(seed, LINES) };
}

/** A topic with the commands that work on it. */
async function topicFor(
  t: TestContext,
  broker: TestBroker,
  topic: string,
  env: Readonly<Record<string, string>> = {},
) {
  await makeTopics(broker.port, [{ name: topic, partitions: PARTITIONS }]);
  // A partition is as idle as the machine is slow, which decides nothing here.
  const place = new Place({ TALLYSTREAM_QUERY_IDLE_TIMEOUT: '30 days', ...env });
  t.after(() => place.remove());
  const at = ['--log', 'kafka', '--bootstrap-servers', broker.bootstrap, '--topic', topic];
  const words = [...at, '--data-dir', place.dataDir];
  const ok = (command: readonly string[], more = {}) => place.ok([...command, ...words], { env: more });
  return {
    ok,
    async produce(cases: readonly Line[], compression: string = 'none') {
      const file = join(place.folder, 'lines.ndjson');
      writeFileSync(file, ndjson(cases));
      await ok(['produce', '--from', file], { TALLYSTREAM_KAFKA_COMPRESSION: compression });
    },
    /** What the query has counted when it has caught up. */
    async totals() {
      await ok(['run', '--available-now']);
      const { lastBatchId: _, ...totals } = await place.json<Totals & { lastBatchId: number }>([
        'totals',
        ...words,
      ]);
      return totals;
    },
  };
}

function checkAgree(totals: Totals, { sums, read, events }: ReadTopic): void {
  assert.deepEqual(inOneOrder(totals), sums);
  assert.ok(read > 0);
  assert.deepEqual(totals.accounting, { read, accepted: events, invalid: 0, duplicate: 0, late: 0 });
}

function ndjson(lines: readonly Line[]): Buffer {
  return Buffer.concat(lines.flatMap(({ bytes }) => [bytes, Buffer.from('\n')]));
}

async function partitionsOfKeys(broker: TestBroker, topic: string): Promise<Record<string, number>> {
  const log = await openKafkaLog({
    bootstrapServers: [broker.bootstrap],
    clock: systemClock,
    clientId: 'test',
  });
  const partitions: Record<string, number> = {};
  for (const { partition } of await log.offsets(topic)) {
    for (const { key } of await readPartition(log, topic, partition)) {
      partitions[Buffer.from(key ?? '', 'latin1').toString()] = partition;
    }
  }
  await log.close();
  return partitions;
}
