/** A producer that is killed and started again, while a query reads what it writes and is killed, too. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../../src/contracts/log.ts';
import { openEmbeddedLog } from '../../../src/log/embedded/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { PRODUCER_HEADER } from '../../../src/producer/lines/resume.ts';
import { VICTIMS, type Cli, type Victim, type Way } from './cli.ts';
import { ReportLedger } from './ledger.ts';
import { createCases, expect, type Case } from './purchases.ts';
import { checkKilled, checkResult, finishQuery, randomMoment, trackRun } from './query-kills.ts';
import type { Rounds } from './rounds.ts';
import { createWorkplace, type Workplace } from './workplace.ts';

const TOPIC = 'purchasing_events';
export const PRODUCER = 'nightly';
/** One append of the producer. */
const APPEND_MAX = 20;
const LINES_A_ROUND = 15 * APPEND_MAX;
/** More than one append takes, so that a kill falls anywhere within it. */
const APPEND_MS = 10;
const START_MS = 500;
/** Now and then a producer goes on long enough to store its position on the way, which it does every second. */
const PACED_A_SECOND = 250;
const PACED_S = 1.4;
/** In fewer, each may meet the end of its file. */
const ENOUGH_ROUNDS = 5;
/** The query is killed after this long at the latest, since the producer may bring nothing for a while. */
const QUERY_MS_MAX = 1_500;

export interface LogRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  /** Of the producer's header; undefined where there is none. */
  readonly line: number | undefined;
  readonly value: Buffer;
}

export async function killProducer(way: Way, rounds: Rounds): Promise<void> {
  const place = createWorkplace({ appendMax: APPEND_MAX });
  try {
    const cases = createCases(rounds.seed, (rounds.rounds + 2) * LINES_A_ROUND);
    const words = ['produce', '--from', place.write(cases), '--resume', PRODUCER];
    const ledger = new ReportLedger();
    const finished = new AbortController();
    const query = killQueryMeanwhile(place, ledger, rounds, finished.signal);
    // It is awaited below; until then its failure must not end this process.
    query.catch(() => undefined);
    let kills: number;
    try {
      kills = await killInto(place, way, words, rounds);
      const last = await place.run(words, way);
      assert.equal(last.code, 0, last.stderr);
    } finally {
      finished.abort();
      await query;
    }
    checkDelivered(await recordsOf(place.logPath), cases);
    await finishQuery(place, ledger, 'direct');
    await checkResult(place, ledger, expect(cases));
    rounds.say(
      `${kills} kills of ${rounds.rounds} rounds; the query was killed ${await query} times meanwhile`,
    );
    assert.ok(kills > 0 || rounds.rounds < ENOUGH_ROUNDS, 'no round was killed before its end');
  } finally {
    await place.remove();
  }
}

/** A generator that is killed leaves a prefix of what its seed makes: nothing torn, nothing out of order. */
export async function killGenerator(way: Way, { seed, random, say }: Rounds, round: number): Promise<void> {
  const killed = createWorkplace({ appendMax: APPEND_MAX });
  const whole = createWorkplace();
  try {
    const words = ['produce', '--rate', 'max', '--seed', `${seed} ${round}`];
    const cli = killed.start(words, way);
    await untilAppended(killed, cli, 1 + random.below(LINES_A_ROUND));
    await sleep(random.below(APPEND_MS));
    const victim = victimOf(way, random);
    checkKilled(await cli.kill(victim), victim, way);

    const left = await recordsOf(killed.logPath);
    const made = await whole.run([...words, '--events', String(left.length)]);
    assert.equal(made.code, 0, made.stderr);
    assert.deepEqual(eventsOf(left), eventsOf(await recordsOf(whole.logPath)));
    say(`${way}: ${left.length} generated events up to the kill`);
  } finally {
    await killed.remove();
    await whole.remove();
  }
}

/** Every line once, byte for byte, and those of one key in the order of the file. */
export function checkDelivered(records: readonly LogRecord[], cases: readonly Case[]): void {
  const lines = records.map(({ line }) => line ?? 0).sort((a, b) => a - b);
  assert.deepEqual(
    lines,
    cases.map((_, index) => index + 1),
    'a line is missing in the log, or there twice',
  );
  const lastOfKey = new Map<string, number>();
  for (const { line = 0, key, value } of records) {
    assert.ok(cases[line - 1]?.bytes.equals(value), `line ${line} is not as it was in the file`);
    if (key === null) continue;
    assert.ok(line > (lastOfKey.get(key) ?? 0), `line ${line} lies behind a later one of ${key}`);
    lastOfKey.set(key, line);
  }
}

/** In order of partition and offset. Offsets without a gap are checked on the way. */
export async function recordsOf(path: string): Promise<LogRecord[]> {
  const log = await openEmbeddedLog({ path, clock: systemClock });
  const records: LogRecord[] = [];
  try {
    for (const { partition, earliest, latest } of await log.offsets(TOPIC)) {
      for await (const chunk of log.read({ topic: TOPIC, partition, start: earliest, end: latest })) {
        for (let row = 0; row < chunk.count; row += 1) {
          const header = chunk.headers.get(row)?.find(({ name }) => name === PRODUCER_HEADER)?.value;
          const keyStart = chunk.keyStart[row] as number;
          records.push({
            partition,
            offset: chunk.offsets[row] as number,
            key: keyStart < 0 ? null : textAt(chunk.bytes, keyStart, chunk.keyEnd[row]),
            line: header && Number(Buffer.from(header).toString('latin1').split(':')[1]),
            value: Buffer.from(chunk.bytes.slice(chunk.valueStart[row], chunk.valueEnd[row])),
          });
        }
      }
    }
  } finally {
    await log.close();
  }
  records.forEach(({ partition, offset }, index) => {
    const before = records[index - 1];
    const due = before?.partition === partition ? before.offset + 1 : 0;
    assert.equal(offset, due, `partition ${partition} has a gap before offset ${offset}`);
  });
  return records;
}

/** Asks how many records there are, while others write them. */
async function countRecords(path: string): Promise<{ count(): Promise<number>; close(): Promise<void> }> {
  const log: Log = await openEmbeddedLog({ path, clock: systemClock });
  return {
    async count() {
      if ((await log.describeTopic(TOPIC)) === undefined) return 0;
      return (await log.offsets(TOPIC)).reduce((sum, { latest }) => sum + latest, 0);
    },
    close: () => log.close(),
  };
}

async function killInto(
  place: Workplace,
  way: Way,
  words: readonly string[],
  { rounds, random }: Rounds,
): Promise<number> {
  let kills = 0;
  for (let round = 0; round < rounds; round += 1) {
    // The first one always, so that it does not come to the end of the file before it can be killed.
    const isPaced = random.below(3) === 0 || round === 0;
    const cli = place.start(isPaced ? [...words, '--rate', String(PACED_A_SECOND)] : words, way);
    if (random.below(6) === 0) await sleep(random.below(START_MS));
    else
      await untilAppended(place, cli, isPaced ? PACED_A_SECOND * PACED_S : random.below(2 * LINES_A_ROUND));
    await sleep(random.below(APPEND_MS));
    const victim = victimOf(way, random);
    const ended = await cli.kill(victim);
    assert.doesNotMatch(ended.stderr, /internal error|CHECKPOINT_|LOG_|TOPIC_/);
    // Its file may have come to an end before.
    if (ended.code === 0) continue;
    checkKilled(ended, victim, way);
    kills += 1;
  }
  return kills;
}

/** Nobody but the victims has the log open when they are killed, so that the next to open it has to recover it. */
async function untilAppended(place: Workplace, cli: Cli, records: number): Promise<void> {
  const counter = await countRecords(place.logPath);
  try {
    const enough = (await counter.count()) + records;
    while (!cli.hasEnded && (await counter.count()) < enough) await sleep(1);
  } finally {
    await counter.close();
  }
}

/** Runs the query beside the producer, and kills it each time after a few reports, or while it waits for more. */
async function killQueryMeanwhile(
  place: Workplace,
  ledger: ReportLedger,
  { random }: Rounds,
  finished: AbortSignal,
): Promise<number> {
  let kills = 0;
  while (!finished.aborted) {
    await trackRun(
      place,
      ledger,
      'direct',
      async (cli) => {
        await Promise.race([randomMoment(cli, random, 30), untilAborted(finished), sleep(QUERY_MS_MAX)]);
        return cli.kill();
      },
      ['run', '--json'],
    );
    kills += 1;
  }
  return kills;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function victimOf(way: Way, random: Rounds['random']): Victim {
  return way === 'direct' ? 'child' : (VICTIMS[random.below(VICTIMS.length)] as Victim);
}

/** Generated events without what the time of their making puts into them. */
function eventsOf(records: readonly LogRecord[]): unknown[] {
  return records.map(({ partition, offset, key, value }) => {
    const event = JSON.parse(value.toString()) as Record<string, unknown>;
    assert.equal(event['customer_id'], key);
    return { partition, offset, ...event, event_id: '', timestamp: '' };
  });
}

function textAt(bytes: Uint8Array, start: number, end: number | undefined): string {
  return Buffer.from(bytes.slice(start, end)).toString();
}
