/**
 * Structured Streaming's `file` source for NDJSON. It reads each file of one folder once, with one JSON object per line, as
 * a topic with one partition.
 *
 * The order is Spark's: each look takes the new files by modification time, then by name. An indexed file keeps its
 * offsets forever, by its name, in an index (index-db.ts) that is durable before a reader sees them. So a
 * range gives the same lines after any restart, and a file that comes later is read later, however old it is.
 *
 * A file must be complete when it appears: write it under a hidden name or elsewhere on the same disk, then move it in by
 * rename. Names that begin with `.` or `_`, and those that end in `.tmp`, are ignored; so are folders.
 * A file may be removed when the query has committed it. One that is removed before, or that has another content under its
 * name at any time, ends the query with DATA_LOSS or LOG_CORRUPT: Spark would read what it finds, or pass it over. A query
 * that may continue without lost records (`failOnDataLoss`) skips the offsets of a removed file, but never of a changed
 * one. Changes that keep size and modification time are not noticed.
 *
 * Lines are carried byte for byte, without the LF and with a CR before it; the last one needs no LF; blank lines are passed
 * over (lines.ts). Offsets number the lines that are not blank. The log timestamp is the file's modification
 * time. Files ending in `.gz` are unpacked; a range within one is found by unpacking it from its start.
 *
 * New files are found by polling. The system's notifications (`fs.watch`) are not used: they do not work on network
 * drives and in some containers, and they are lost if too many come at once.
 */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock } from '../../contracts/clock.ts';
import type { Log, PartitionOffsets } from '../../contracts/log.ts';
import { TallystreamError } from '../../errors.ts';
import { partitionNotFound, pastEnd, topicNotFound } from '../shared/errors.ts';
import { nameGlob } from './glob.ts';
import { openFileIndex } from './index-db.ts';
import { FileIntake } from './intake.ts';
import { breaksOf, findLost, readLines } from './read.ts';
import { FileVerifier } from './scan.ts';
import { readOnlyCalls } from '../shared/read-only.ts';
import { latestDiffers, Waiters } from '../shared/waiters.ts';

export interface FileLogOptions {
  readonly clock: Clock;
  /** The folder whose files are read. It has to be there. */
  readonly folder: string;
  /** The folder of the index `files.db`; created if it is missing. One per query, and not the folder that is read. */
  readonly indexFolder: string;
  /** A name has to match all of them (glob.ts); default: every name. */
  readonly nameGlobs?: readonly string[];
  /**
   * The most files that a look (`offsets`) shows, not counting those without lines; default: all. `finalOffsets` says
   * where they end.
   */
  readonly maxFilesPerTrigger?: number | undefined;
  /** How often a waiting reader looks at the folder; default 500. */
  readonly pollIntervalMs?: number;
  /** The name of the one topic; default `files`. */
  readonly topic?: string;
}

const POLL_INTERVAL_MS = 500;

/**
 * Opens the source; it reads nothing yet. Several processes may hold one index; each file has its range once.
 * @throws CONFIG_INVALID (no such folder, an index of another, a glob that is none), LOG_UNAVAILABLE, LOG_CORRUPT
 */
export async function openFileLog(options: FileLogOptions): Promise<Log> {
  const { clock, topic: name = 'files', pollIntervalMs = POLL_INTERVAL_MS } = options;
  const folder = resolve(options.folder);
  const indexFolder = resolve(options.indexFolder);
  checkOptions(options, folder, indexFolder);
  const globs = (options.nameGlobs ?? []).map(nameGlob);
  const index = openFileIndex(join(indexFolder, 'files.db'), folder);
  const verifier = new FileVerifier(folder, name);
  const intake = new FileIntake({
    folder,
    matches: (file) => globs.every((matches) => matches(file)),
    index,
    verifier,
    clock,
    filesPerLook: options.maxFilesPerTrigger ?? Infinity,
  });
  const waiters = new Waiters();
  const topic = { name, id: `file:${index.sourceId}`, partitions: 1 };
  const find = (asked: string): void => {
    if (asked !== name) throw topicNotFound(asked, [name]);
    index.checkPresence();
  };
  const until = (latest: number): PartitionOffsets[] => [{ partition: 0, earliest: 0, latest }];

  return {
    format: 'file',
    ...readOnlyCalls({ format: 'file', topic, origin: `are the lines of the files in ${folder}` }),
    offsets: async (asked) => {
      find(asked);
      await intake.look();
      return until(index.shownEnd());
    },
    finalOffsets: async (asked) => {
      find(asked);
      await intake.takeInAll();
      return until(index.end());
    },
    async *read(range) {
      find(range.topic);
      if (range.partition !== 0) throw partitionNotFound(name, range.partition, 1);
      const latest = index.end();
      if (range.end > latest) throw pastEnd(range, latest);
      yield* readLines({ folder, index, verifier }, range);
    },
    checkHistory: async ({ name: asked }, marks) => {
      find(asked);
      return breaksOf(index, marks);
    },
    isHistoryCheap: true,
    findLost: async (range) => {
      find(range.topic);
      return findLost({ folder, index, verifier }, range);
    },
    waitForRecords: (asked, known, timeoutMs, signal) => {
      const changed = async () => {
        try {
          if (asked !== name || latestDiffers(known, until(index.shownEnd()))) return true;
          return await intake.hasMore();
        } catch (error) {
          // A look that a close came into has nothing to say; the wait itself ends with false.
          if (index.isOpen) throw error;
          return false;
        }
      };
      return waiters.wait(changed, clock, () => pollIntervalMs, timeoutMs, signal);
    },
    close: async () => {
      waiters.close();
      index.close();
    },
  };
}

function checkOptions(options: FileLogOptions, folder: string, indexFolder: string): void {
  const { maxFilesPerTrigger = 1, pollIntervalMs = POLL_INTERVAL_MS } = options;
  const invalid = (what: string, hint: string) => new TallystreamError('CONFIG_INVALID', { what, hint });
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw invalid(`There is no folder ${folder} to read files from.`, 'Create it, or choose another folder.');
  }
  if (folder === indexFolder) {
    throw invalid(
      `The index of the files in ${folder} cannot be stored in the same folder.`,
      'Choose another folder for it, such as one in the checkpoint.',
    );
  }
  for (const [option, value] of Object.entries({ maxFilesPerTrigger, pollIntervalMs })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw invalid(
      `The file source cannot have a ${option} of ${value}.`,
      'Use a whole number from 1, or leave it out.',
    );
  }
}
