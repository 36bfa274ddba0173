/**
 * The embedded log: one SQLite file, no server, several processes at once. A row holds a batch of records, every
 * append is one durable transaction, and a reader sees what others wrote by polling a counter of SQLite's.
 */
import type { Log, PartitionOffsets } from '../../contracts/log.ts';
import { append, appendBlock } from './append.ts';
import { guarded } from './errors.ts';
import { openLogFile, type EmbeddedLogOptions, type LogFile } from './file.ts';
import { checkHistory } from './history.ts';
import { readRange } from './read.ts';
import { giveSpaceBack, removeExpired } from './retention.ts';
import {
  createTopic,
  setRetention,
  deleteTopic,
  describe,
  findTopic,
  offsetsOf,
  topicRow,
  topicRows,
} from './topics.ts';
import { latestDiffers } from '../shared/waiters.ts';

export type { EmbeddedLogOptions } from './file.ts';

/**
 * How often a waiting reader asks whether another process wrote. Asking takes 5 µs, but waking up for it about 100 µs, so
 * a log that has been quiet for a while is asked less often; records are still seen within the contract's 10 ms.
 */
const POLL_INTERVAL_MS = 2;
const POLL_INTERVAL_QUIET_MS = 5;
const QUIET_AFTER_MS = 200;

/**
 * Opens the log, and creates its file if it is missing.
 * @throws LOG_UNAVAILABLE (not writable, locked, not a log, made by a newer version), LOG_CORRUPT, STORAGE_FULL
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<Log> {
  const file = openLogFile(options);
  const { path } = file;
  const call = <T>(act: () => T): T => guarded(path, act);
  /** A call that changes what waiting readers look at. */
  const change = <T>(act: () => T): T => {
    const result = call(act);
    file.waiters.wake();
    return result;
  };
  return {
    format: 'embedded',
    createTopic: async (name, topicOptions) => call(() => createTopic(file, name, topicOptions)),
    describeTopic: async (name) => {
      const row = call(() => topicRow(file, name));
      return row && describe(row);
    },
    listTopics: async () => call(() => topicRows(file).map(describe)),
    setRetention: async (name, retention) => call(() => setRetention(file, name, retention)),
    deleteTopic: async (name) => {
      if (change(() => deleteTopic(file, name))) await giveSpaceBack(file);
    },
    offsets: async (topic) =>
      call(() => {
        file.checkPresence();
        return offsetsOf(file, findTopic(file, topic));
      }),
    append: async (topic, records) => change(() => append(file, topic, records)),
    appendBlock: async (topic, block) => change(() => appendBlock(file, topic, block)),
    read: (range) => readRange(file, range),
    checkHistory: async ({ name }, marks) => call(() => checkHistory(file, name, marks)),
    isHistoryCheap: true,
    waitForRecords: (topic, known, timeoutMs, signal) =>
      file.waiters.wait(changedSince(file, topic, known), file.clock, pollIntervalMs, timeoutMs, signal),
    enforceRetention: async () => {
      const removed = change(() => removeExpired(file));
      await giveSpaceBack(file);
      return removed;
    },
    close: async () => {
      if (!file.db.isOpen) return;
      file.waiters.close();
      try {
        guarded(path, () => file.db.close());
      } finally {
        file.acknowledged?.close();
      }
    },
  };
}

function pollIntervalMs(waitedMs: number): number {
  return waitedMs < QUIET_AFTER_MS ? POLL_INTERVAL_MS : POLL_INTERVAL_QUIET_MS;
}

/**
 * Asks for the topic's offsets only if something was written since the last time: by another connection
 * (PRAGMA data_version) or by this one. The counters are read first, so a write in between is seen the next time.
 */
function changedSince(file: LogFile, topicName: string, known: readonly PartitionOffsets[]): () => boolean {
  let seenOthers: unknown;
  let seenOwn = -1;
  return () =>
    guarded(file.path, () => {
      const others = file.statements.dataVersion.get()?.['data_version'];
      const own = file.ownWrites;
      if (others === seenOthers && own === seenOwn) return false;
      seenOthers = others;
      seenOwn = own;
      const topic = topicRow(file, topicName);
      return topic === undefined || latestDiffers(known, offsetsOf(file, topic));
    });
}
