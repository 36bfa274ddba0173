/** The purchase query without the command line, for what only somebody within the process can do to it. */
import { openCheckpoint, openLog, silentLogger, systemClock } from '../../../src/app/compose.ts';
import { planOf } from '../../../src/app/cli/query.ts';
import { loadConfig } from '../../../src/app/config/load.ts';
import type { BatchProgress } from '../../../src/contracts/batch.ts';
import type { Sink } from '../../../src/contracts/sink.ts';
import { deadLetterPolicy } from '../../../src/engine/dead-letters/policy.ts';
import { trigger } from '../../../src/engine/trigger.ts';
import { buildReport } from '../../../src/app/purchases/report/report.ts';
import { StreamingQuery } from '../../../src/stream/query.ts';

const LETTER_BYTES_MAX = 1024 ** 3;

export interface LibraryQueryOptions {
  readonly dataDir: string;
  /** As the command line would find it: the settings of the workplace. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly sinks?: readonly Sink[];
  readonly onProgress?: (progress: BatchProgress) => void;
}

/** Reads what the log holds now. Rejects with what ended it, and has closed everything by then. */
export async function runLibraryQuery(options: LibraryQueryOptions): Promise<void> {
  const { dataDir, env, sinks = [], onProgress } = options;
  const { config } = await loadConfig({ flags: { 'data-dir': dataDir }, env, file: undefined, cwd: dataDir });
  const { name: queryName, timeZone } = config.query;
  const log = await openLog(config, systemClock);
  try {
    const checkpoint = await openCheckpoint(config, systemClock, { plan: planOf(config), takeOver: false });
    try {
      const query = new StreamingQuery(
        {
          query: planOf(config),
          runId: 'library',
          log,
          newTopic: { partitions: config.log.partitions },
          checkpoint,
          clock: systemClock,
          logger: silentLogger,
          trigger: trigger.availableNow(),
          offsetsMax: config.query.maxOffsetsPerTrigger,
          batchesMax: Infinity,
          failOnDataLoss: true,
          deadLetters: deadLetterPolicy({ bytesMax: LETTER_BYTES_MAX, whenFull: 'stop' }),
          sinks,
          buildReport: (result) => buildReport(result, { queryName, timeZone }),
          printer: { print: () => Promise.resolve() },
        },
        onProgress,
      );
      await query.awaitTermination();
    } finally {
      checkpoint.close();
    }
  } finally {
    await log.close();
  }
}
