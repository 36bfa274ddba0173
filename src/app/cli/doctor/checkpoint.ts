/** Whether the checkpoint can be read, what it says, and whether it belongs to the current topic. */
import { stat } from 'node:fs/promises';
import type { Config } from '../../config/keys.ts';
import type { Accounting, Json } from '../../../contracts/batch.ts';
import type { CheckpointView } from '../../../contracts/checkpoint.ts';
import { checkCheckpointFile, openCheckpointView, type Integrity } from '../../compose.ts';
import { TallystreamError } from '../../../errors.ts';
import { pass, type Check, type Verdict } from './check.ts';
import { inspectFolder, type FolderFacts } from './folder.ts';
import type { LogFacts } from './log.ts';

/** Reading a larger file from a slow disk would take seconds. */
const CHECKED_BYTES_MAX = 256 * 1024 ** 2;
const MIB = 1024 ** 2;

export type CheckpointFacts =
  | { readonly kind: 'missing' }
  | {
      readonly kind: 'present';
      readonly queryName: string;
      /** null before the first commit. */
      readonly lastBatchId: number | null;
      /** The clock of the newest batch, epoch milliseconds. */
      readonly newestBatchMs: number | null;
      readonly accounting: Accounting;
      /** Records that were accepted as lost, whether they had been read or not. */
      readonly acceptedAsLost: number;
      /** undefined before the first plan. */
      readonly topicId: string | undefined;
      readonly integrity: Integrity;
    };

/**
 * @param inspect {@link inspectCheckpoint}; its errors become the text of this line
 * @param readLog what the log contains; undefined if it cannot be read, which another line reports
 */
export function checkpointCheck(
  config: Config,
  inspect: () => Promise<CheckpointFacts>,
  readLog: () => Promise<LogFacts | undefined>,
): Check {
  return {
    name: 'checkpoint',
    run: async () => {
      const facts = await inspect();
      if (facts.kind === 'present') return judgeCheckpoint(facts, config.log.topic, await readLog());
      return judgeMissing(await inspectFolder(config.query.checkpointLocation));
    },
  };
}

/** @param folder where the first run will create it */
export function judgeMissing({ nearest, problem }: Pick<FolderFacts, 'nearest' | 'problem'>): Verdict {
  if (problem === null) return pass('none yet; the first run creates it');
  return {
    status: 'fail',
    found: `There is no checkpoint yet, and it cannot be created in ${nearest}: ${problem}.`,
    hint: 'Allow this user to write there, or set query.checkpoint_location to another folder.',
  };
}

/** @param log undefined if it could not be read */
export function judgeCheckpoint(
  facts: Extract<CheckpointFacts, { kind: 'present' }>,
  topic: string,
  log: LogFacts | undefined,
): Verdict {
  const { queryName, lastBatchId, accounting, acceptedAsLost, topicId, integrity } = facts;
  if (integrity.kind === 'damaged') {
    return {
      status: 'fail',
      found: `Its file is damaged: ${integrity.problem}.`,
      hint: 'Check the disk, then restore a copy of the checkpoint folder. Only if you have no copy, move the folder away: the query then reads its topic from the start.',
    };
  }
  if (topicId !== undefined && log !== undefined && topicId !== topicIdOf(log)) {
    const now =
      log.kind === 'topic' ? 'the log now has another topic of that name' : 'the log no longer has it';
    return {
      status: 'fail',
      found: `It belongs to an earlier topic ${topic}, and ${now}, so run will refuse it.`,
      hint: 'Restore the log that belongs to it, or set another query.name, so that the query starts from the beginning.',
    };
  }
  const size =
    integrity.kind === 'sound'
      ? ''
      : `; its ${(integrity.bytes / MIB).toFixed(0)} MiB were not checked page by page`;
  if (lastBatchId === null) return pass(`query ${queryName}, no batch yet${size}`);
  const lost = acceptedAsLost === 0 ? '' : `; ${acceptedAsLost} accepted as lost (checkpoint show)`;
  return pass(`query ${queryName}, last batch ${lastBatchId}; ${accountingText(accounting)}${lost}${size}`);
}

/** @throws CHECKPOINT_VERSION, CHECKPOINT_CORRUPT, CHECKPOINT_LOCKED, CONFIG_INVALID (the folder cannot be used) */
export async function inspectCheckpoint(config: Config): Promise<CheckpointFacts> {
  // SQLite's calls block this thread. If the disk hangs, this call does not block, so the check can time out here.
  await stat(config.query.checkpointLocation).catch(() => undefined);
  let view;
  try {
    view = await openCheckpointView(config);
  } catch (error) {
    if (error instanceof TallystreamError && error.code === 'CHECKPOINT_NOT_FOUND')
      return { kind: 'missing' };
    throw error;
  }
  try {
    const held = read(view);
    return { ...held, integrity: await checkCheckpointFile(config, CHECKED_BYTES_MAX) };
  } finally {
    view.close();
  }
}

function read(view: CheckpointView) {
  return view.atOneCommit(() => ({
    kind: 'present' as const,
    queryName: view.queryName,
    lastBatchId: view.lastBatchId(),
    newestBatchMs: timeOf(view.recentProgress().at(-1)),
    accounting: view.accounting(),
    acceptedAsLost: view.acceptedLosses().reduce((sum, { start, end }) => sum + end - start, 0),
    topicId: view.topicId(),
  }));
}

/** The plan's clock, from a batch's progress. */
function timeOf(progress: Json | undefined): number | null {
  if (typeof progress !== 'object' || progress === null || !('timestamp' in progress)) return null;
  const timestampMs = typeof progress.timestamp === 'string' ? Date.parse(progress.timestamp) : NaN;
  return Number.isNaN(timestampMs) ? null : timestampMs;
}

function topicIdOf(log: LogFacts): string | undefined {
  return log.kind === 'topic' ? log.topicId : undefined;
}

function accountingText({ read: total, accepted, invalid, duplicate, late }: Accounting): string {
  return `${total} read = ${accepted} accepted + ${invalid} invalid + ${duplicate} duplicate + ${late} late`;
}
