/**
 * A broker, a query and a producer that are killed at random while they work on one topic. In the end its sums, added up by
 * another client in another language, have to be those of `totals`, and both those of the file that was delivered.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeTopics } from '../../scripts/kafka/topics.js';
import { createRandom, type Random } from '../../src/producer/random.ts';
import { jsonOf, signal, type Cli, type Ended } from '../fault/support/cli.ts';
import { ReportLedger } from '../fault/support/ledger.ts';
import { createCases, expect, type Case } from '../fault/support/purchases.ts';
import { checkKilled, finishQuery, randomMoment, trackRun } from '../fault/support/query-kills.ts';
import type { Rounds } from '../fault/support/rounds.ts';
import { createWorkplace, type Workplace } from '../fault/support/workplace.ts';
import type { TestBroker } from './broker.ts';
import { inOneOrder, sumsOfTopic, type ReadTopic, type TopicSums } from './python-client.ts';

/** What one block checks grows with it, and a failure is easier to find in a small one. */
const KILLS_A_BLOCK_MAX = 12;
/** A broker takes some seconds to come back, so most kills are those of others. */
const ONE_OF_SO_MANY = 5;
/** More than are delivered while the kills go on, on a machine that is not very slow. */
const LINES_A_KILL = 1_800;
const LINES_A_SECOND = 300;
const APPEND_MAX = 20;
const OFFSETS_MAX = 100;
const PARTITIONS_MAX = 6;
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
/** How long each of them lives, and how long the broker is away beside its start. */
const BROKER_MS_MIN = 300;
const BROKER_MS_MAX = 2_500;
const BROKER_AWAY_MS_MAX = 1_000;
/** Longer than a request may take, so that what the broker has in its sockets is sent to it again. */
const REQUEST_TIMEOUT = '2 seconds';
const HANG_MS_MIN = 2_200;
const HANG_MS_MAX = 4_000;
/** Some are killed while they start; the others when they have stored their position, or stand still for so long. */
const PRODUCER_START_MS_MAX = 1_500;
const PRODUCER_STILL_MS_MAX = 15_000;
const PRODUCER_LAST_MS_MAX = 120_000;
/** A position is stored every second, and the lines after it are found in the log. */
const PRODUCER_STORE_MS = 1_000;
const LOOK_EVERY_MS = 50;
const QUERY_REPORTS_MAX = 24;
/** Every fourth query lives long enough to meet the end of a broker, and its return. */
const QUERY_LONG_MS_MAX = 8_000;
const QUERY_STILL_MS_MAX = 10_000;
const PRODUCER = 'campaign';

/** How often each of them is killed. */
interface Shares {
  readonly broker: number;
  readonly query: number;
  readonly producer: number;
}

/** Kills so often as `rounds` says, in blocks with a topic each; the producer is killed in every other one. */
export async function killOnKafka(broker: TestBroker, { seed, rounds, say }: Rounds): Promise<void> {
  for (let block = 0, left = rounds; left > 0; block += 1) {
    const kills = Math.min(left, KILLS_A_BLOCK_MAX);
    const words = `block ${block} of seed ${seed}, ${kills} kills`;
    try {
      say(
        `${words}: ${await killInBlock(broker, `killed-${block}`, `${seed} ${block}`, sharesOf(kills, block))}`,
      );
    } catch (error) {
      throw new Error(`${words}: ${(error as Error).message}`, { cause: error });
    }
    left -= kills;
  }
}

function sharesOf(kills: number, block: number): Shares {
  const broker = Math.floor(kills / ONE_OF_SO_MANY);
  const producer = block % 2 === 0 ? 0 : Math.ceil(kills / ONE_OF_SO_MANY);
  return { broker, producer, query: kills - broker - producer };
}

/** Gives the words about it. */
async function killInBlock(broker: TestBroker, topic: string, seed: string, shares: Shares): Promise<string> {
  const kills = shares.broker + shares.query + shares.producer;
  const cases = createCases(seed, kills * LINES_A_KILL).filter(({ verdict }) => verdict === 'accepted');
  const random = createRandom(`${seed} topic`);
  await makeTopics(broker.port, [{ name: topic, partitions: 1 + random.below(PARTITIONS_MAX) }]);
  const place = createKafkaPlace(broker, topic);
  try {
    const ledger = new ReportLedger();
    const lines = place.write(cases);
    const goal = new Goal(kills);
    await inParallel(goal, [
      () => killBroker(broker, goal, shares.broker, createRandom(`${seed} broker`)),
      () => killQueries(place, ledger, goal, shares.query, createRandom(`${seed} query`)),
      () => killProducers(place, lines, goal, shares.producer, createRandom(`${seed} producer`)),
    ]);
    const last = await place.run(produceWords(lines, 'max'));
    assert.equal(last.code, 0, last.stderr);
    assert.match(
      last.stderr,
      /continuing after line|are already in the log/,
      'nothing was delivered while the kills went on',
    );
    await finishQuery(place, ledger, 'direct');
    const found = await sumsOfTopic(broker, topic);
    await checkAgree(place, ledger, cases, found, shares);
    const doubles = found.read - found.events;
    return (
      `broker ${shares.broker}, query ${shares.query}, producer ${shares.producer}; ` +
      `${found.events} events, ${doubles} twice in the log, ${ledger.lines.length} batches`
    );
  } finally {
    await place.remove();
  }
}

/** All of the file, the topic, the totals and the reports say the same. */
async function checkAgree(
  place: Workplace,
  ledger: ReportLedger,
  cases: readonly Case[],
  { sums, read, events }: ReadTopic,
  { producer }: Shares,
): Promise<void> {
  const totals = await jsonOf(['totals', ...kafkaWords(place)], place.options);
  const expected = expect(cases).totals as unknown as TopicSums;
  assert.equal(events, cases.length, 'the topic holds other events than were delivered');
  assert.deepEqual(sums, inOneOrder(expected), 'the topic holds other amounts than were delivered');
  assert.deepEqual(inOneOrder(totals as unknown as TopicSums), sums, 'the totals are not those of the topic');
  // One that lives sends again what got no answer, and the broker finds the repeat.
  if (producer === 0) assert.equal(read, events, 'a producer that was never killed has written doubles');
  const duplicate = read - events;
  assert.deepEqual(totals['accounting'], { read, accepted: events, invalid: 0, duplicate, late: 0 });
  ledger.checkTotals(totals);
}

async function killBroker(broker: TestBroker, goal: Goal, kills: number, random: Random): Promise<void> {
  for (let kill = 0; kill < kills && !goal.isGivenUp; kill += 1) {
    await sleep(BROKER_MS_MIN + random.below(BROKER_MS_MAX - BROKER_MS_MIN));
    if (kill === 0 || random.below(4) === 0) await hang(broker, random);
    await broker.kill('SIGKILL');
    await sleep(random.below(BROKER_AWAY_MS_MAX));
    await broker.restart();
    goal.count();
  }
}

/** Stops it for a while. When it goes on it takes all that was sent meanwhile, by clients that have given up waiting for it. */
async function hang(broker: TestBroker, random: Random): Promise<void> {
  await broker.kill('SIGSTOP');
  await sleep(HANG_MS_MIN + random.below(HANG_MS_MAX - HANG_MS_MIN));
  await broker.kill('SIGCONT');
  await sleep(random.below(BROKER_MS_MAX));
}

async function killQueries(
  place: Workplace,
  ledger: ReportLedger,
  goal: Goal,
  kills: number,
  random: Random,
): Promise<void> {
  for (let kill = 0; kill < kills && !goal.isGivenUp; kill += 1) {
    const killed = await trackRun(place, ledger, 'direct', async (cli) => {
      if (random.below(4) === 0) await sleep(random.below(QUERY_LONG_MS_MAX));
      else await randomMoment(cli, random, QUERY_REPORTS_MAX);
      return cli.kill();
    });
    checkKilled(killed, 'child', 'direct');
    goal.count();
  }
  // The last one lives through all that is still to come.
  await trackRun(place, ledger, 'direct', async (cli) => {
    await goal.reached;
    // There may be nothing left to report.
    await Promise.race([cli.until(() => cli.stdout !== '', 'print a report'), sleep(QUERY_STILL_MS_MAX)]);
    signal(await cli.worker(), 'SIGINT');
    const ended = await cli.end();
    checkAsked(ended, 'SIGINT', 130);
    return ended;
  });
}

async function killProducers(
  place: KafkaPlace,
  lines: string,
  goal: Goal,
  kills: number,
  random: Random,
): Promise<void> {
  const start = (): Cli => {
    const compression = COMPRESSIONS[random.below(COMPRESSIONS.length)] as string;
    return place.startWith({ kafka: { compression } }, produceWords(lines, LINES_A_SECOND));
  };
  for (let kill = 0; kill < kills && !goal.isGivenUp; kill += 1) {
    const cli = start();
    await producerMoment(place, cli, random);
    checkKilled(await cli.kill(), 'child', 'direct');
    goal.count();
  }
  const cli = start();
  // Whatever became of the others, this one delivers something.
  await untilStored(place, cli, PRODUCER_LAST_MS_MAX);
  await goal.reached;
  signal(await cli.worker(), 'SIGTERM');
  const ended = await cli.end();
  // On a very slow machine it may have come to the end of its file.
  if (ended.code !== 0) checkAsked(ended, 'SIGTERM', 143);
}

/** One that is asked to end while it starts has no ear for it yet. */
function checkAsked({ code, signal: name, stderr }: Ended, asked: NodeJS.Signals, due: number): void {
  assert.ok(code === due || name === asked, `ended with ${String(code ?? name)} after ${asked}: ${stderr}`);
}

async function producerMoment(place: Workplace, cli: Cli, random: Random): Promise<void> {
  if (random.below(4) === 0) {
    await sleep(random.below(PRODUCER_START_MS_MAX));
    return;
  }
  await untilStored(place, cli, PRODUCER_STILL_MS_MAX);
  await sleep(random.below(PRODUCER_STORE_MS));
}

/** Waits until the producer, which was started just now, has stored that it delivered something, or has ended. */
async function untilStored(place: Workplace, cli: Cli, waitMsMax: number): Promise<void> {
  const path = join(place.dataDir, 'producers', `${PRODUCER}.json`);
  const lines = (): number =>
    existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { lines: number }).lines : 0;
  const before = lines();
  for (let waitedMs = 0; waitedMs < waitMsMax && !cli.hasEnded; waitedMs += LOOK_EVERY_MS) {
    if (lines() > before) return;
    await sleep(LOOK_EVERY_MS);
  }
}

function produceWords(lines: string, rate: number | 'max'): string[] {
  return ['produce', '--from', lines, '--resume', PRODUCER, '--rate', String(rate)];
}

/** How many kills are still to come; each of the loops goes on until all of them are done. */
class Goal {
  isGivenUp = false;
  readonly reached: Promise<undefined>;
  private left: number;
  private readonly settle: () => void;

  constructor(kills: number) {
    this.left = kills;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.reached = promise;
    this.settle = () => resolve(undefined);
  }

  count(): void {
    this.left -= 1;
    if (this.left === 0) this.settle();
  }

  /** One of them has failed, so the others end, too. */
  giveUp(): void {
    this.isGivenUp = true;
    this.settle();
  }
}

/** Resolves when all have ended; throws what the first failure was. */
async function inParallel(goal: Goal, loops: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  const note = (error: unknown) => {
    failures.push(error);
    goal.giveUp();
  };
  await Promise.all(loops.map((loop) => loop().catch(note)));
  if (failures.length > 0) throw failures[0];
}

interface KafkaPlace extends Workplace {
  /** Starts a command with these settings beside those of the place. */
  startWith(settings: Settings, words: readonly string[]): Cli;
}

type Settings = Readonly<Record<string, Readonly<Record<string, string | number>>>>;

/** A workplace whose commands use a topic of the broker. */
function createKafkaPlace(broker: TestBroker, topic: string): KafkaPlace {
  const place = createWorkplace({ offsetsMax: OFFSETS_MAX, appendMax: APPEND_MAX });
  const configure = (name: string, settings: Settings = {}): string[] => {
    const path = join(place.folder, `${name}.yaml`);
    const all = {
      log: { type: 'kafka', topic },
      kafka: {
        bootstrap_servers: broker.bootstrap,
        // A command that is started while the broker is away waits for it.
        connect_timeout: '1 minute',
        request_timeout: REQUEST_TIMEOUT,
        ...settings['kafka'],
      },
      // A line that comes twice is the duplicate of the first one, however much lies between the two.
      query: { watermark_delay: '2 days' },
    };
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(all));
    return ['--config', path];
  };
  const usual = configure('usual');
  let starts = 0;
  return {
    ...place,
    checkpoint: join(place.dataDir, 'checkpoints', `purchase-totals-kafka-${topic}`),
    start: (words, way) => place.start([...words, ...usual], way),
    run: (words, way) => place.run([...words, ...usual], way),
    startWith: (settings, words) => place.start([...words, ...configure(`start-${(starts += 1)}`, settings)]),
  };
}

/** For a command that a workplace does not start by itself. */
function kafkaWords({ folder, dataDir }: Workplace): string[] {
  return ['--config', join(folder, 'usual.yaml'), '--data-dir', dataDir];
}
