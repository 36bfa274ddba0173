/** A folder for one loop: its data, its input file, and the settings that all its processes share. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cli, runCli, type Ended, type RunOptions, type Way } from './cli.ts';
import { fileOf, type Case } from './purchases.ts';

export interface Workplace {
  readonly folder: string;
  readonly dataDir: string;
  readonly logPath: string;
  readonly checkpoint: string;
  readonly options: RunOptions;
  /** Starts a command on this folder's data. */
  start(words: readonly string[], way?: Way): Cli;
  /** `env` changes settings for this command alone. */
  run(words: readonly string[], way?: Way, env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Writes the lines to a file, and gives its path. */
  write(cases: readonly Case[], name?: string): string;
  /** Ends what was started here and still runs, and removes the folder. */
  remove(): Promise<void>;
}

/** Many small batches, as fast as possible, and no partition idle however slow the machine is. */
const SETTINGS = {
  TALLYSTREAM_QUERY_TRIGGER: '0 seconds',
  TALLYSTREAM_LOGGING_LEVEL: 'error',
  TALLYSTREAM_QUERY_IDLE_TIMEOUT: '30 days',
};

/** About as many records as this are one batch of the query. */
export const OFFSETS_MAX = 40;

export interface WorkplaceOptions {
  readonly offsetsMax?: number;
  /** Records that the producer appends at once. */
  readonly appendMax?: number;
  /** Threads of the query beside its main one. */
  readonly workers?: number;
}

export function createWorkplace({
  offsetsMax = OFFSETS_MAX,
  appendMax = 500,
  workers = 0,
}: WorkplaceOptions = {}): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-fault-'));
  const dataDir = join(folder, 'data');
  const env = {
    ...SETTINGS,
    TALLYSTREAM_QUERY_MAX_OFFSETS_PER_TRIGGER: String(offsetsMax),
    TALLYSTREAM_PRODUCER_BATCH_RECORDS_MAX: String(appendMax),
    TALLYSTREAM_QUERY_WORKERS: String(workers),
  };
  const options = { folder, env };
  const started: Cli[] = [];
  const full = (words: readonly string[]): string[] => [...words, '--data-dir', dataDir];
  return {
    folder,
    dataDir,
    logPath: join(dataDir, 'log.db'),
    checkpoint: join(dataDir, 'checkpoints', 'purchase-totals-embedded-purchasing_events'),
    options,
    start(words, way = 'direct') {
      const cli = new Cli(full(words), { ...options, way });
      started.push(cli);
      return cli;
    },
    run: (words, way = 'direct', own = {}) =>
      runCli(full(words), { ...options, env: { ...env, ...own }, way }),
    write(cases, name = 'purchases.ndjson') {
      const path = join(folder, name);
      writeFileSync(path, fileOf(cases));
      return path;
    },
    async remove() {
      for (const cli of started) await cli.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
