/** What the product makes of one flipped bit: what it shows, and what it says, step by step, as an operator would go on. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openCheckpointView } from '../../../../src/checkpoint/view.ts';
import type { DeadLetter } from '../../../../src/contracts/batch.ts';
import { verifyCheckpoint } from '../../../../src/checkpoint/verify/verify.ts';
import { TallystreamError } from '../../../../src/errors.ts';
import { openEmbeddedLog } from '../../../../src/log/embedded/log.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { deliverLines } from '../../../../src/producer/lines/deliver.ts';
import { openFileInput } from '../../../../src/producer/lines/input.ts';
import { createRandom } from '../../../../src/producer/random.ts';
import { UNPACED } from '../../../../src/producer/token-bucket.ts';
import { buildTotals } from '../../../../src/app/purchases/report/totals.ts';
import type { Totals } from '../../../../src/app/purchases/report/totals-types.ts';
import { runLibraryQuery } from '../library-query.ts';
import { PRODUCER, recordsOf } from '../producer-kills.ts';
import { expect } from '../purchases.ts';
import { flippedCopy, LINES_ACKNOWLEDGED, LOG, type Flip, type Template } from './template.ts';

/**
 * `rejected`: a command ended with a code, and none showed anything wrong. `detected`: all that was shown is right, and the
 * damage was found: by `checkpoint verify`, or a dead letter is shown as damaged. `harmless`: all is right. `wrong`: a
 * command showed something else than the truth, and did not say so.
 */
export type Verdict = 'rejected' | 'detected' | 'harmless' | 'wrong' | 'endless' | 'uncoded';

export interface Judgement {
  readonly verdict: Verdict;
  /** The step that decided, and what it said. */
  readonly why: string;
}

/** More dead letters than these are not read: a list that has no end would go on for ever. */
const LETTERS_MAX = 20_000;
const TOPIC = 'purchasing_events';

interface Shown {
  readonly totals: Omit<Totals, 'lastBatchId'>;
  readonly lastBatchId: number | null;
  readonly letters: readonly Letter[];
}

interface Letter {
  readonly batchId: number;
  readonly text: string;
  /** It is shown as one that is not as it was written. */
  readonly isDamaged: boolean;
}

class Wrong extends Error {}
class Endless extends Error {}

/** What is shown without a flip, and what has to come out. */
export class Judge {
  private readonly template: Template;
  private readonly folder: string;
  private readonly atFirst: Shown;
  private readonly afterRun: ReturnType<typeof expect>;
  private readonly atEnd: ReturnType<typeof expect>;
  private records: readonly string[] = [];
  /** What was said about damage, without an error. */
  private readonly found: string[] = [];

  constructor(template: Template, folder: string) {
    this.template = template;
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    this.afterRun = expect(template.cases.slice(0, LINES_ACKNOWLEDGED));
    this.atEnd = expect(template.cases);
    flippedCopy(template, this.dataDir, undefined);
    this.atFirst = shownIn(this.checkpoint);
  }

  /** Without a flip everything is right; called once, so that a judgement means something. */
  async prepare(): Promise<void> {
    flippedCopy(this.template, this.dataDir, undefined);
    this.records = await this.readLog();
    const { verdict, why } = await this.judge(undefined);
    if (verdict !== 'harmless') throw new Error(`Without a flip: ${verdict}, ${why}`);
  }

  async judge(flip: Flip | undefined): Promise<Judgement> {
    flippedCopy(this.template, this.dataDir, flip);
    const said: string[] = [];
    let uncoded: string | undefined;
    this.found.length = 0;
    for (const [name, step] of this.steps()) {
      try {
        await step();
      } catch (error) {
        if (error instanceof Wrong) return { verdict: 'wrong', why: `${name}: ${error.message}` };
        if (error instanceof Endless) return { verdict: 'endless', why: `${name}: ${error.message}` };
        const code = error instanceof TallystreamError ? error.code : undefined;
        if (code === undefined) uncoded ??= `${name}: ${String(error)}`;
        else said.push(`${name}: ${code}`);
        // What follows needs what this one would have done.
        if (name === 'run' || name === 'produce') break;
      }
    }
    if (uncoded !== undefined) return { verdict: 'uncoded', why: uncoded };
    if (said.length > 0) return { verdict: 'rejected', why: said.join(', ') };
    const [found] = this.found;
    return found === undefined ? { verdict: 'harmless', why: '' } : { verdict: 'detected', why: found };
  }

  private steps(): (readonly [string, () => Promise<void> | void])[] {
    return [
      ['totals', () => this.checkFirst(shownIn(this.checkpoint))],
      ['verify', () => this.verify()],
      ['read the log', async () => this.checkRecords(await this.readLog())],
      ['run', () => this.run()],
      ['totals after run', () => this.checkShown(shownIn(this.checkpoint), this.afterRun)],
      ['produce', () => this.produce()],
      ['run', () => this.run()],
      ['totals at the end', () => this.checkShown(shownIn(this.checkpoint), this.atEnd)],
    ];
  }

  private verify(): void {
    const { findings } = verifyCheckpoint({ location: this.checkpoint });
    this.found.push(...findings.map(({ what }) => what));
  }

  private get dataDir(): string {
    return join(this.folder, 'data');
  }

  private get checkpoint(): string {
    return join(this.dataDir, this.template.checkpoint.slice(this.template.dataDir.length + 1));
  }

  /** The last commit, or an earlier one as a whole: the query reads again what came after it. */
  private checkFirst(shown: Shown): void {
    const { lastBatchId } = shown;
    if (lastBatchId === null) throw new Wrong('there is a checkpoint without a batch');
    if (lastBatchId === this.atFirst.lastBatchId) {
      same('totals', shown.totals, this.atFirst.totals);
      this.checkLetters(shown.letters, textsOf(this.atFirst.letters));
      return;
    }
    const { runningTotals, days, categories, accounting } = shown.totals;
    same('running totals', runningTotals, this.template.reports[lastBatchId]?.runningTotals);
    for (const rows of [runningTotals, days, categories]) {
      const transactions = rows.reduce((sum, row) => sum + row.transactions, 0);
      same('transactions', transactions, accounting.accepted);
    }
    const letters = this.atFirst.letters.filter(({ batchId }) => batchId <= lastBatchId);
    this.checkLetters(shown.letters, textsOf(letters));
  }

  private checkShown({ totals, letters }: Shown, expected: ReturnType<typeof expect>): void {
    same('totals', totals, expected.totals);
    this.checkLetters(letters, expected.deadLetters);
  }

  /** One that is shown as damaged may say anything. */
  private checkLetters(letters: readonly Letter[], due: readonly string[]): void {
    const left = new Map<string, number>();
    for (const text of due) left.set(text, (left.get(text) ?? 0) + 1);
    for (const { text, isDamaged } of letters) {
      if (isDamaged) this.found.push('a dead letter is shown as damaged');
      else left.set(text, (left.get(text) ?? 0) - 1);
    }
    const isRight = letters.length === due.length && [...left.values()].every((count) => count >= 0);
    if (!isRight) throw new Wrong('dead letters are not the truth');
  }

  private checkRecords(records: readonly string[]): void {
    if (records.length < this.records.length) {
      throw new Wrong(`${records.length} of ${this.records.length} acknowledged records are in the log`);
    }
    same('records', records, this.records);
  }

  private async readLog(): Promise<string[]> {
    const path = join(this.dataDir, LOG);
    if (!existsSync(path)) return [];
    const records = await recordsOf(path);
    return records.map(({ partition, offset, key, line, value }) =>
      [partition, offset, key, line, value.toString('base64')].join(' '),
    );
  }

  private run(): Promise<void> {
    return runLibraryQuery({ dataDir: this.dataDir, env: this.template.env });
  }

  private async produce(): Promise<void> {
    const log = await openEmbeddedLog({ path: join(this.dataDir, LOG), clock: systemClock });
    const never = new AbortController().signal;
    try {
      await deliverLines({
        log,
        topic: TOPIC,
        input: await openFileInput(this.template.path),
        fields: { keyField: 'customer_id', timestampField: 'timestamp' },
        pace: UNPACED,
        clock: systemClock,
        random: createRandom(1),
        stop: never,
        abort: never,
        resume: { name: PRODUCER, folder: join(this.dataDir, 'producers') },
      });
    } finally {
      await log.close();
    }
  }
}

function shownIn(location: string): Shown {
  const view = openCheckpointView({ location });
  try {
    const { lastBatchId, ...totals } = buildTotals(view);
    const letters: Letter[] = [];
    for (const letter of view.deadLetters({})) {
      const { batchId, reason, value, damaged }: DeadLetter & { readonly damaged?: boolean } = letter;
      const text = `${reason} ${value === null ? '' : Buffer.from(value).toString('base64')}`;
      letters.push({ batchId, text, isDamaged: damaged === true });
      if (letters.length > LETTERS_MAX) throw new Endless('the list of dead letters has no end');
    }
    return { totals, lastBatchId, letters };
  } finally {
    view.close();
  }
}

function textsOf(letters: readonly Letter[]): string[] {
  return letters.map(({ text }) => text);
}

function same(what: string, found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected ?? null)];
  if (left !== right) throw new Wrong(`${what} are not the truth`);
}
