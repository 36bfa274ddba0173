/**
 * Rounds in which a log goes back: an older state of it takes the place of a newer one, at a random moment between
 * deliveries and runs of the query. An acknowledged line has to be in the totals exactly once, or somebody has to say that
 * it is lost: the query with DATA_LOSS, at every start from then on, or `produce --resume`, with the line's number.
 */
import assert from 'node:assert/strict';
import { jsonOf, type Ended } from './cli.ts';
import { createCases, expect, type Case } from './purchases.ts';
import type { Rounds } from './rounds.ts';
import type { Workplace } from './workplace.ts';

/** A log with an older state that can be kept and brought back. */
export interface GoingLog {
  /** Of this round, for messages. */
  readonly name: string;
  readonly place: Workplace;
  /** Sends a command to the log. */
  readonly words: readonly string[];
  /** Settings of the place's commands. */
  readonly env: Readonly<Record<string, string>>;
  /** Called after the first delivery: what happens to the log from then on. */
  begin?(): Promise<void>;
  /** Keeps what the log holds now. */
  keep(): Promise<void>;
  /** The log goes back to what was kept. Nobody uses it meanwhile. */
  goBack(): Promise<void>;
  /** Does what the log's own refusal says, so that the log is used as it is. */
  accept?(): void;
  remove(): Promise<void>;
}

export type CreateLog = (round: number, random: Rounds['random']) => Promise<GoingLog>;

/** What the rounds came to. */
export interface Outcome {
  /** Rounds that the query ended with DATA_LOSS. */
  refused: number;
  /** Rounds in which `produce --resume` named lost lines. */
  named: number;
  /** Rounds in which all was exact, in spite of everything. */
  exact: number;
  /** Rounds in which acknowledged lines were lost and nobody said so, or DATA_LOSS went away by itself. */
  readonly silent: string[];
}

const PRODUCER = 'nightly';
/** More than either producer delivers in a round. */
const LINES_MAX = 1_300;
/** Lines of one delivery. */
const DELIVERY_MAX = 160;
/** Nothing is late, in whatever order lines come. */
export const NOTHING_LATE = { TALLYSTREAM_QUERY_WATERMARK_DELAY: '30 days' };
const EXIT_REFUSED = 5;

export async function letLogsGoBack(
  create: CreateLog,
  { seed, rounds, random, say }: Rounds,
): Promise<Outcome> {
  const outcome: Outcome = { refused: 0, named: 0, exact: 0, silent: [] };
  for (let round = 0; round < rounds; round += 1) {
    const log = await create(round, random);
    const words = `round ${round} of seed ${seed}, ${log.name}`;
    const script = new Round(log, `${seed} ${round}`, random);
    try {
      const verdict = await script.play();
      outcome[verdict] += 1;
      say(`${words}: ${verdict} (${script.told()})`);
    } catch (error) {
      if (!(error instanceof SilentLoss)) throw new Error(`${words}: ${script.told()}`, { cause: error });
      outcome.silent.push(`${words}: ${error.message} (${script.told()})`);
      say(outcome.silent.at(-1) as string);
    } finally {
      await log.remove();
    }
  }
  return outcome;
}

export function outcomeText({ refused, named, exact, silent }: Outcome): string {
  return `${refused} ended with DATA_LOSS, ${named} named by --resume, ${exact} exact, ${silent.length} silent losses`;
}

function isRefusedByLog({ code, stderr }: Ended): boolean {
  return code === EXIT_REFUSED && /is missing records that it acknowledged/.test(stderr);
}

class SilentLoss extends Error {}

class Round {
  private readonly log: GoingLog;
  private readonly random: Rounds['random'];
  private readonly cases: readonly Case[];
  private readonly steps: string[] = [];
  /** Lines that were acknowledged and not named as lost since, by index. */
  private readonly acknowledged = new Set<number>();
  /** The named producer takes the first lines, and others take the last ones. */
  private named = 0;
  private others: number;
  private hasNamed = false;
  private isRefused = false;

  constructor(log: GoingLog, seed: string, random: Rounds['random']) {
    this.log = log;
    this.random = random;
    this.cases = createCases(seed, 3 * LINES_MAX).filter(({ verdict }) => verdict === 'accepted');
    this.others = LINES_MAX;
  }

  told(): string {
    return this.steps.join(', ');
  }

  async play(): Promise<'refused' | 'named' | 'exact'> {
    await this.deliverNamed();
    await this.log.begin?.();
    if (this.chance(2)) await this.deliverNamed();
    if (this.chance(2)) await this.run();
    await this.log.keep();
    this.steps.push('keep');
    await this.deliverNamed();
    await this.run();
    if (this.chance(3)) await this.deliverNamed();
    await this.log.goBack();
    this.steps.push('go back');
    for (let steps = 1 + this.random.below(3); steps > 0; steps -= 1) await this.anything();
    // Who resumes hears of what the query had not read yet.
    await this.resume(this.chance(2));
    await this.run();
    if (this.isRefused) {
      // Past the old end, whatever that was.
      await this.deliverOthers(2 * DELIVERY_MAX);
      await this.run();
      return 'refused';
    }
    await this.checkTotals();
    return this.hasNamed ? 'named' : 'exact';
  }

  private async anything(): Promise<void> {
    const step = this.random.below(4);
    if (step === 0) await this.run();
    else if (step === 1) await this.resume(this.chance(2));
    else await this.deliverOthers(1 + this.random.below(2 * DELIVERY_MAX));
  }

  /** Before the log has gone back. */
  private async deliverNamed(): Promise<void> {
    const to = this.named + 1 + this.random.below(DELIVERY_MAX);
    const { code, stderr } = await this.produceNamed(to, []);
    assert.equal(code, 0, stderr);
    this.acknowledge(0, to);
    this.named = to;
    this.steps.push(`lines to ${to}`);
  }

  private async resume(again: boolean): Promise<void> {
    const to = this.named + this.random.below(DELIVERY_MAX);
    const ended = await this.produceNamed(to, again ? ['--resend-lost'] : []);
    this.steps.push(`resume to ${to}${again ? ' with what is lost' : ''}: ${String(ended.code)}`);
    if (ended.code === 0) {
      if (/lines that the log has lost are sent again/.test(ended.stderr)) this.hasNamed = true;
      this.acknowledge(0, to);
      this.named = to;
      return;
    }
    assert.equal(ended.code, EXIT_REFUSED, ended.stderr);
    const [, lost = ''] = /no longer in the log: (.*)\.\n/.exec(ended.stderr) ?? [];
    assert.ok(lost !== '' && !lost.endsWith('more'), ended.stderr);
    for (const [, first, last] of lost.matchAll(/lines? (\d+)(?: to (\d+))?/g)) {
      for (let line = Number(first); line <= Number(last ?? first); line += 1)
        this.acknowledged.delete(line - 1);
    }
    this.hasNamed = true;
  }

  private produceNamed(to: number, more: readonly string[]): Promise<Ended> {
    const path = this.log.place.write(this.cases.slice(0, to), 'named.ndjson');
    return this.command(['produce', '--from', path, '--resume', PRODUCER, ...more]);
  }

  private async deliverOthers(count: number): Promise<void> {
    const to = this.others + count;
    assert.ok(to <= this.cases.length, 'the round has too few lines');
    const path = this.log.place.write(this.cases.slice(this.others, to), 'others.ndjson');
    const { code, stderr } = await this.command(['produce', '--from', path]);
    assert.equal(code, 0, stderr);
    this.acknowledge(this.others, to);
    this.others = to;
    this.steps.push(`${count} of others`);
  }

  /** The query reads what there is, or some of it. */
  private async run(): Promise<void> {
    const { code, stderr } = await this.command(['run', '--available-now']);
    this.steps.push(`run: ${String(code)}`);
    if (code === 0) {
      if (this.isRefused) throw new SilentLoss('DATA_LOSS went away by itself');
      return;
    }
    assert.equal(code, EXIT_REFUSED, stderr);
    assert.match(stderr, /\(DATA_LOSS\)/);
    this.isRefused = true;
  }

  private async checkTotals(): Promise<void> {
    const { place, words, env } = this.log;
    const options = { ...place.options, env: { ...place.options.env, ...env } };
    const totals = await jsonOf(['totals', ...words, '--data-dir', place.dataDir], options);
    const lines = [...this.acknowledged].sort((one, other) => one - other);
    const due = expect(lines.map((index) => this.cases[index] as Case)).totals;
    for (const name of ['runningTotals', 'days', 'categories']) {
      if (JSON.stringify(totals[name]) === JSON.stringify(due[name])) continue;
      const read = (totals['accounting'] as { accepted: number }).accepted;
      throw new SilentLoss(`${lines.length} acknowledged lines are not lost, and ${read} are in the totals`);
    }
  }

  private acknowledge(from: number, to: number): void {
    for (let index = from; index < to; index += 1) this.acknowledged.add(index);
  }

  private async command(words: readonly string[]): Promise<Ended> {
    const { place, env } = this.log;
    const run = (): Promise<Ended> => place.run([...words, ...this.log.words], 'direct', env);
    const ended = await run();
    if (!isRefusedByLog(ended)) return ended;
    // It does so at every start, until somebody accepts the log as it is.
    const again = await run();
    assert.ok(isRefusedByLog(again), again.stderr);
    this.steps.push('the log refuses and is accepted');
    this.log.accept?.();
    return run();
  }

  private chance(oneIn: number): boolean {
    return this.random.below(oneIn) === 0;
  }
}
