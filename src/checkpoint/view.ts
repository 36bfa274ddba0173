/** The checkpoint as commands and the page read it, whether a runner is at work or not. */
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { TallystreamError } from '../errors.ts';
import type { PartitionMark } from '../contracts/log.ts';
import type {
  Accounting,
  BatchPlan,
  DataLoss,
  DeadLetter,
  GroupRow,
  Json,
  PartitionState,
  RecordIdentity,
} from '../contracts/batch.ts';
import type { AcceptedLoss, CheckpointView, DeadLetterFilter, LostRange } from '../contracts/checkpoint.ts';
import { aggregateNamed, groupsOf } from './aggregate-table.ts';
import { readAccounting, readLastPlan, readLostRanges, readPartitions } from './batch-tables.ts';
import { readAcceptedLosses, readRaisedLosses } from './data-losses.ts';
import { allRows, checkpointFile, firstCell, firstRow, inSnapshot, openViewDatabase } from './database.ts';
import { deadLetters, duplicates } from './dead-letter-reader.ts';
import { type FailurePlace, guarded, guardedRows } from './failure.ts';
import { readMarks } from './history-marks.ts';
import { type Identity, readIdentity } from './identity.ts';
import { parseStored } from './stored-json.ts';
import { inspectTables } from './tables.ts';

/**
 * Creates nothing and writes nothing.
 * @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_VERSION, CHECKPOINT_CORRUPT, CONFIG_INVALID (the folder cannot be used)
 */
export function openCheckpointView({ location }: { readonly location: string }): CheckpointView {
  const place = { location };
  const database = openPresent(location);
  try {
    const identity = guarded(place, () => readIdentity(database, location));
    return new SqliteCheckpointView(database, place, identity);
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * The file, for reading, once it is known to be a checkpoint of this version.
 * @throws what {@link openCheckpointView} throws
 */
export function openPresent(location: string): DatabaseSync {
  if (!existsSync(checkpointFile(location))) throw notFound(location);
  const place = { location };
  const database = guarded(place, () => openViewDatabase(location));
  try {
    // A runner makes the file first and its tables then, in one transaction.
    const tables = guarded(place, () => inspectTables(database, location));
    if (tables === 'empty') throw notFound(location);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

class SqliteCheckpointView implements CheckpointView {
  readonly queryName: string;
  readonly topic: string;
  private readonly database: DatabaseSync;
  private readonly place: FailurePlace;
  private readonly identity: Identity;

  constructor(database: DatabaseSync, place: FailurePlace, identity: Identity) {
    this.database = database;
    this.place = place;
    this.identity = identity;
    this.queryName = identity.queryName;
    this.topic = identity.topic;
  }

  atOneCommit<T>(read: () => T): T {
    // Within another call the snapshot is there already.
    if (this.database.isTransaction) return read();
    return guarded(this.place, () => inSnapshot(this.database, read));
  }

  lastBatchId(): number | null {
    return this.read('SELECT max(batch_id) FROM commits') as number | null;
  }

  accounting(): Accounting {
    return guarded(this.place, () => readAccounting(this.database, this.place.location));
  }

  groups(aggregate: string): Iterable<GroupRow> {
    const named = aggregateNamed(this.identity.aggregates, aggregate, this.place.location);
    return guardedRows(this.place, () =>
      groupsOf(this.database, named, { which: 'all', location: this.place.location }),
    );
  }

  deadLetters(filter: DeadLetterFilter): Iterable<DeadLetter> {
    return guardedRows(this.place, () =>
      filter.reason === 'DUPLICATE'
        ? duplicates(this.database, this.topic, filter)
        : deadLetters(this.database, filter),
    );
  }

  isRedriven({ topicId, partition, offset }: RecordIdentity): boolean {
    const query = 'SELECT 1 FROM redriven WHERE topic_id = ? AND "partition" = ? AND "offset" = ?';
    return guarded(
      this.place,
      () => firstRow(this.database.prepare(query), topicId, partition, offset) !== undefined,
    );
  }

  topicId(): string | undefined {
    return this.lastPlan()?.topicId;
  }

  clockMs(): number | undefined {
    return this.lastPlan()?.clockMs;
  }

  lostRanges(): readonly LostRange[] {
    return guarded(this.place, () => readLostRanges(this.database, this.place.location));
  }

  raisedLosses(): readonly DataLoss[] {
    return guarded(this.place, () => readRaisedLosses(this.database, this.place.location));
  }

  acceptedLosses(): readonly AcceptedLoss[] {
    return guarded(this.place, () => readAcceptedLosses(this.database, this.place.location));
  }

  marks(): readonly PartitionMark[] {
    return guarded(this.place, () => readMarks(this.database, this.place.location));
  }

  partitions(): readonly PartitionState[] {
    return guarded(this.place, () => readPartitions(this.database, this.place.location));
  }

  recentProgress(): readonly Json[] {
    return guarded(this.place, () =>
      allRows(this.database.prepare('SELECT progress FROM commits ORDER BY batch_id')).map(([progress]) =>
        parseStored(progress, 'progress', this.place.location),
      ),
    );
  }

  close(): void {
    if (this.database.isOpen) this.database.close();
  }

  private lastPlan(): BatchPlan | undefined {
    return guarded(this.place, () => readLastPlan(this.database, this.place.location));
  }

  private read(query: string): unknown {
    return guarded(this.place, () => firstCell(this.database.prepare(query)));
  }
}

function notFound(location: string): TallystreamError {
  return new TallystreamError('CHECKPOINT_NOT_FOUND', {
    what: `There is no checkpoint in ${location}.`,
    why: 'The query makes it when it runs for the first time.',
    mend: 'Run the query first, or check query.name, query.checkpoint_location, the topic and the data folder.',
  });
}
