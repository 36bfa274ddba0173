/** Read access to the checkpoint for commands and the page, with or without a running query. */
import type { DatabaseSync } from 'node:sqlite';
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
import { aggregateNamed, groupsOf } from './tables/aggregate-table.ts';
import {
  readAccounting,
  readCommits,
  readLastPlan,
  readLostRanges,
  readPartitions,
} from './tables/batch-tables.ts';
import { readAcceptedLosses, readRaisedLosses } from './history/data-losses.ts';
import { readMarks } from './history/marks.ts';
import { firstRow } from './connection.ts';
import { deadLetters, duplicates } from './tables/dead-letter-reader.ts';
import { type FailurePlace, guarded, guardedRows } from './errors.ts';
import { type Identity, readIdentity } from './open/identity.ts';
import { openPresent } from './open/open-present.ts';
import { storedPlans } from './tables/stored-batches.ts';
import type { Seal } from './seals/seal.ts';
import { inSealedSnapshot } from './seals/sealed-snapshot.ts';
import { checkRows } from './seals/sealed-rows.ts';
import { REDRIVEN } from './seals/sealed-tables.ts';
import { parseStored } from './tables/stored-json.ts';

/**
 * Creates nothing and writes nothing.
 * @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_VERSION, CHECKPOINT_CORRUPT, CONFIG_INVALID (the folder cannot be used)
 */
export function openCheckpointView({ location }: { readonly location: string }): CheckpointView {
  const place = { location };
  const database = openPresent(location);
  try {
    const identity = guarded(place, () =>
      inSealedSnapshot(database, location, (seal) => readIdentity(database, seal, location)),
    );
    return new SqliteCheckpointView(database, place, identity);
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
  /** Checked only once: rows are only added to that table, and a later wrong answer would need a second fault. */
  private isRedrivenChecked = false;

  constructor(database: DatabaseSync, place: FailurePlace, identity: Identity) {
    this.database = database;
    this.place = place;
    this.identity = identity;
    this.queryName = identity.queryName;
    this.topic = identity.topic;
  }

  atOneCommit<T>(read: () => T): T {
    return this.sealed(read);
  }

  lastBatchId(): number | null {
    return this.sealed(
      (seal) => readCommits(this.database, seal, this.place.location).at(-1)?.batchId ?? null,
    );
  }

  accounting(): Accounting {
    return this.sealed((seal) => readAccounting(this.database, seal, this.place.location));
  }

  groups(aggregate: string): readonly GroupRow[] {
    const { location } = this.place;
    const named = aggregateNamed(this.identity.aggregates, aggregate, location);
    // No row is returned before all of them are known to be there.
    return this.sealed((seal) => [...groupsOf(this.database, named, { which: 'all', seal, location })]);
  }

  deadLetters(filter: DeadLetterFilter): Iterable<DeadLetter> {
    const { location } = this.place;
    const reader = { database: this.database, location, topic: this.topic };
    return guardedRows(this.place, () =>
      filter.reason === 'DUPLICATE' ? duplicates(reader, filter) : deadLetters(reader, filter),
    );
  }

  isRedriven({ topicId, partition, offset }: RecordIdentity): boolean {
    if (!this.isRedrivenChecked) {
      this.sealed((seal) => checkRows(this.database, REDRIVEN, seal, this.place.location));
      this.isRedrivenChecked = true;
    }
    const query = 'SELECT 1 FROM redriven WHERE topic_id = ? AND "partition" = ? AND "offset" = ?';
    return guarded(
      this.place,
      () => firstRow(this.database.prepare(query), topicId, partition, offset) !== undefined,
    );
  }

  topicId(): string | undefined {
    return this.lastPlan()?.topicId;
  }

  latestClockMs(): number | undefined {
    const plans = guarded(this.place, () => storedPlans(this.database, this.place.location));
    const clocks = plans.flatMap(({ plan }) => (plan === undefined ? [] : [plan.clockMs]));
    return clocks.length === 0 ? undefined : Math.max(...clocks);
  }

  lostRanges(): readonly LostRange[] {
    return this.sealed((seal) => readLostRanges(this.database, seal, this.place.location));
  }

  raisedLosses(): readonly DataLoss[] {
    return this.sealed((seal) => readRaisedLosses(this.database, seal, this.place.location));
  }

  acceptedLosses(): readonly AcceptedLoss[] {
    return this.sealed((seal) => readAcceptedLosses(this.database, seal, this.place.location));
  }

  marks(): readonly PartitionMark[] {
    return this.sealed((seal) => readMarks(this.database, seal, this.place.location));
  }

  partitions(): readonly PartitionState[] {
    return this.sealed((seal) => readPartitions(this.database, seal, this.place.location));
  }

  recentProgress(): readonly Json[] {
    const { location } = this.place;
    return this.sealed((seal) =>
      readCommits(this.database, seal, location).map(({ progress }) =>
        parseStored(progress, 'progress', location),
      ),
    );
  }

  close(): void {
    if (this.database.isOpen) this.database.close();
  }

  private lastPlan(): BatchPlan | undefined {
    return this.sealed((seal) => readLastPlan(this.database, seal, this.place.location));
  }

  private sealed<T>(read: (seal: Seal | undefined) => T): T {
    return guarded(this.place, () => inSealedSnapshot(this.database, this.place.location, read));
  }
}
