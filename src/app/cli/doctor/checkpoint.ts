/** Whether the checkpoint can be read, what it says, and whether it belongs to the topic that is there. */
import { stat } from 'node:fs/promises';
import type { Config } from '../../config/keys.ts';
import type { Accounting, Json } from '../../../contracts/batch.ts';
import type { CheckpointView } from '../../../contracts/checkpoint.ts';
import { checkCheckpointFile, openCheckpointView, type Integrity } from '../../compose.ts';
import { TallystreamError } from '../../../errors.ts';
import { pass, type Check, type Verdict } from './check.ts';
import { inspectFolder, type FolderFacts } from './folder.ts';
import type { LogFacts } from './log.ts';

/** A larger file would take seconds to read from a slow disk. */
const CHECKED_BYTES_MAX = 256 * 1024 ** 2;
const MIB = 1024 ** 2;

export type CheckpointFacts =
  | { readonly kind: 'missing' }
  | {
      readonly kind: 'present';
      readonly queryName: string;
      /** null before the first commit. */
      readonly lastBatchId: number | null;
      /** The newest batch's own clock, epoch milliseconds. */
      readonly newestBatchMs: number | null;
      readonly accounting: Accounting;
      /** Records that a person has accepted as lost, read or not. */
      readonly acceptedAsLost: number;
      /** undefined before the first plan. */
      readonly topicId: string | undefined;
      readonly integrity: Integrity;
    };

/**
 * @param inspect {@link inspectCheckpoint}, whose errors become the line's
 * @param readLog what the log holds; undefined where it cannot be read, which its own line says
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

/** @param folder where the first run will make it */
export function judgeMissing({ nearest, problem }: Pick<FolderFacts, 'nearest' | 'problem'>): Verdict {
  if (problem === null) return pass('none yet; the first run makes it');
  return {
    status: 'fail',
    found: `None yet, and it cannot be made in ${nearest}: ${problem}.`,
    mend: 'Let this user write there, or set query.checkpoint_location to another folder.',
  };
}

/** @param log undefined where it could not be read */
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
      mend: 'Check the disk, then put back a copy of the checkpoint folder. Only if there is none, move the folder away: the query then reads its topic from the start.',
    };
  }
  if (topicId !== undefined && log !== undefined && topicId !== topicIdOf(log)) {
    const now =
      log.kind === 'topic' ? 'another one of that name is in the log now' : 'the log no longer has it';
    return {
      status: 'fail',
      found: `It belongs to an earlier topic ${topic}, and ${now}, so that run refuses it.`,
      mend: 'Put the log back that it was made from, or give the query another query.name, so that it starts from the beginning.',
    };
  }
  const size =
    integrity.kind === 'sound'
      ? ''
      : `; its ${(integrity.bytes / MIB).toFixed(0)} MiB were not checked page by page`;
  if (lastBatchId === null) return pass(`query ${queryName}, without a batch yet${size}`);
  const lost = acceptedAsLost === 0 ? '' : `; ${acceptedAsLost} accepted as lost (checkpoint show)`;
  return pass(`query ${queryName}, last batch ${lastBatchId}; ${accountingText(accounting)}${lost}${size}`);
}

/** @throws CHECKPOINT_VERSION, CHECKPOINT_CORRUPT, CHECKPOINT_LOCKED, CONFIG_INVALID (the folder cannot be used) */
export async function inspectCheckpoint(config: Config): Promise<CheckpointFacts> {
  // SQLite's calls block this thread. Where the disk hangs, this one does not, and the check's time runs out here.
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

/** The plan's clock, which stands in a batch's progress. */
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
