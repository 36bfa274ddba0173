/** Flips one bit after the other in copies of a small data folder, and counts what comes of it. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '../../../../src/producer/random.ts';
import type { Judgement, Verdict } from './judge.ts';
import { positionsOf } from './positions.ts';
import { createTemplate, filesIn, type Flip, type Template } from './template.ts';

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));
const WORKERS = 2;
/** One flip takes a fraction of a second; one that takes longer than this has no end. */
const FLIP_MS_MAX = 60_000;
const START_MS_MAX = 120_000;

export interface Figures {
  readonly positions: number;
  readonly byFile: ReadonlyMap<string, Readonly<Record<Verdict, number>>>;
  /** Those that must not be. */
  readonly faults: readonly string[];
  /** Errors without a code. */
  readonly uncoded: readonly string[];
}

export interface CampaignOptions {
  readonly seed: string;
  /** So many of all positions, drawn by the seed; all of them if it is larger. */
  readonly positionsMax: number;
  /** Only files whose name contains this. */
  readonly only?: string;
  /** Told of every flip that was judged. */
  readonly onJudged?: (flip: Flip, judgement: Judgement, judged: number, all: number) => void;
}

export async function flipBits(options: CampaignOptions): Promise<Figures> {
  const { template, remove } = await createTemplate(options.seed);
  try {
    const flips = flipsOf(template, options);
    const stored = join(template.folder, 'template.json');
    writeFileSync(stored, JSON.stringify({ ...template, cases: undefined }));
    const words = [stored, options.seed, String(template.cases.length)];
    return await judgeAll(flips, words, options);
  } finally {
    await remove();
  }
}

/** Drawn evenly from all files; the bit of each is drawn, too. */
function flipsOf(template: Template, { seed, positionsMax, only = '' }: CampaignOptions): Flip[] {
  const random = createRandom(`${seed} flips`);
  const all = filesIn(template.dataDir)
    .filter((file) => file.includes(only))
    .map((file) =>
      positionsOf(file, readFileSync(join(template.dataDir, file))).map((at) => {
        return { file, at, bit: random.below(8), order: random.uint32() };
      }),
    );
  const drawn = all.map((flips) => flips.toSorted((left, right) => left.order - right.order));
  let left = positionsMax;
  const chosen: Flip[] = [];
  // A small file has fewer positions than its share, which the larger ones get.
  drawn.sort((one, other) => one.length - other.length);
  for (const [index, flips] of drawn.entries()) {
    const share = Math.ceil(left / (drawn.length - index));
    const some = flips.slice(0, share);
    chosen.push(...some);
    left -= some.length;
  }
  return chosen;
}

async function judgeAll(
  flips: readonly Flip[],
  words: readonly string[],
  { onJudged }: CampaignOptions,
): Promise<Figures> {
  const byFile = new Map<string, Record<Verdict, number>>();
  const faults: string[] = [];
  const uncoded: string[] = [];
  let next = 0;
  let judged = 0;
  const note = (flip: Flip, judgement: Judgement): void => {
    const { verdict, why } = judgement;
    const counts = byFile.get(flip.file) ?? emptyCounts();
    counts[verdict] += 1;
    byFile.set(flip.file, counts);
    judged += 1;
    const words = `${flip.file} byte ${flip.at} bit ${flip.bit}: ${verdict}, ${why}`;
    if (verdict === 'wrong' || verdict === 'endless') faults.push(words);
    if (verdict === 'uncoded') uncoded.push(words);
    onJudged?.(flip, judgement, judged, flips.length);
  };
  const work = async (): Promise<void> => {
    let worker: ChildProcess | undefined;
    try {
      for (let flip = flips[next++]; flip !== undefined; flip = flips[next++]) {
        worker ??= await startWorker(words);
        const judgement = await ask<Judgement>(worker, FLIP_MS_MAX, flip);
        if (judgement === undefined) {
          worker.kill('SIGKILL');
          worker = undefined;
          note(flip, { verdict: 'endless', why: `no answer within ${FLIP_MS_MAX / 1_000} s` });
        } else if (judgement === 'ended') {
          worker = undefined;
          note(flip, { verdict: 'uncoded', why: 'the process died' });
        } else note(flip, judgement);
      }
    } finally {
      worker?.disconnect();
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  return { positions: flips.length, byFile, faults, uncoded };
}

async function startWorker(words: readonly string[]): Promise<ChildProcess> {
  const worker = fork(WORKER, words, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const answer = await ask<'ready'>(worker, START_MS_MAX);
  if (answer === 'ready') return worker;
  worker.kill('SIGKILL');
  throw new Error('a worker did not start: the template is not right without a flip');
}

/** The worker's next message; undefined if none comes in time, `ended` if the worker ends before. */
function ask<T>(worker: ChildProcess, timeoutMs: number, message?: Flip): Promise<T | 'ended' | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle(undefined), timeoutMs);
    const onMessage = (answer: unknown): void => settle(answer as T);
    const onExit = (): void => settle('ended');
    const settle = (answer: T | 'ended' | undefined): void => {
      clearTimeout(timer);
      worker.off('message', onMessage);
      worker.off('exit', onExit);
      resolve(answer);
    };
    worker.once('message', onMessage);
    worker.once('exit', onExit);
    if (message !== undefined) worker.send(message);
  });
}

const VERDICTS: readonly Verdict[] = ['rejected', 'detected', 'harmless', 'uncoded', 'wrong', 'endless'];

function emptyCounts(): Record<Verdict, number> {
  return { rejected: 0, detected: 0, harmless: 0, uncoded: 0, wrong: 0, endless: 0 };
}

/** A line for each file, and one for all. */
export function tableOf({ byFile }: Figures): string {
  const all = emptyCounts();
  const line = (name: string, counts: Readonly<Record<Verdict, number>>): string =>
    `${name.padEnd(24)}${VERDICTS.map((verdict) => String(counts[verdict]).padStart(10)).join('')}`;
  const lines = [...byFile].map(([file, counts]) => {
    for (const verdict of VERDICTS) all[verdict] += counts[verdict];
    return line(file.split('/').at(-1) ?? file, counts);
  });
  const heads = VERDICTS.map((verdict) => verdict.padStart(10)).join('');
  return [`${''.padEnd(24)}${heads}`, ...lines, line('all', all)].join('\n');
}
