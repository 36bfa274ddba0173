/** The checkpoint of a runner: one connection, one lock, one epoch. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { invariant } from '../errors.ts';
import type {
  BatchCommit,
  BatchPlan,
  Committed,
  DataLoss,
  DeadLetter,
  DedupeSegment,
  GroupCell,
  GroupRow,
  RecordIdentity,
} from '../contracts/batch.ts';
import type { AcceptedLoss, Checkpoint, StoredReport } from '../contracts/checkpoint.ts';
import type { Clock } from '../contracts/clock.ts';
import type { PartitionMark } from '../contracts/log.ts';
import { AggregateWriter, aggregateNamed, groupOf, groupsOf } from './tables/aggregate-table.ts';
import { BatchTables } from './tables/batch-tables.ts';
import { acceptRaised, type AcceptedRanges } from './history/accept-raised.ts';
import { LossWriter, readAcceptedLosses, readRaisedLosses } from './history/data-losses.ts';
import { firstCell, firstRow, inTransaction } from './connection.ts';
import { DedupeTables } from './tables/dedupe-tables.ts';
import { type FailurePlace, guarded, guardedRows } from './errors.ts';
import { readMarks } from './history/marks.ts';
import { fencedError, type Identity, MetaWriter } from './open/identity.ts';
import type { RunnerLock } from './open/lock.ts';
import { CommitNote } from './seals/commit-note.ts';
import { watchPresence } from './open/presence.ts';
import { SealDraft, sealText, type Seal } from './seals/seal.ts';
import { sealWriter } from './seals/seal-row.ts';
import { REDRIVEN } from './seals/sealed-tables.ts';
import { SealedWriter } from './seals/sealed-writer.ts';
import { Staging } from './tables/staging.ts';

export interface RunnerParts {
  readonly database: DatabaseSync;
  readonly lock: RunnerLock;
  readonly clock: Clock;
  readonly location: string;
  readonly identity: Identity;
  readonly epoch: number;
  readonly seal: Seal;
}

export class SqliteCheckpoint implements Checkpoint {
  readonly queryId: string;
  readonly epoch: number;
  readonly hashKey: Uint8Array;
  private readonly parts: RunnerParts;
  private readonly place: FailurePlace;
  private readonly batches: BatchTables;
  private readonly dedupe: DedupeTables;
  private readonly staging: Staging;
  private readonly aggregates: ReadonlyMap<string, AggregateWriter>;
  private readonly selectEpoch: StatementSync;
  private readonly selectRedriven: StatementSync;
  private readonly redriven: SealedWriter;
  private readonly losses: LossWriter;
  private readonly meta: MetaWriter;
  private readonly note: CommitNote;
  private readonly writeSeal: (seal: Seal) => void;
  private readonly checkPresence: () => void;
  private committedLetterBytes: number;
  /** The seal of the committed state. */
  private seal: Seal;
  private closed = false;

  constructor(parts: RunnerParts) {
    const { database, location, identity } = parts;
    this.parts = parts;
    this.place = { location };
    this.queryId = identity.queryId;
    this.epoch = parts.epoch;
    this.hashKey = identity.hashKey;
    this.checkPresence = watchPresence(location);
    this.batches = new BatchTables(database, location);
    this.dedupe = new DedupeTables(database, location);
    this.staging = new Staging(database);
    this.aggregates = new Map(
      identity.aggregates.map((each) => [each.name, new AggregateWriter(database, each)]),
    );
    this.selectEpoch = database.prepare('SELECT epoch FROM meta');
    this.selectRedriven = database.prepare(
      'SELECT 1 FROM redriven WHERE topic_id = ? AND "partition" = ? AND "offset" = ?',
    );
    this.redriven = new SealedWriter(database, REDRIVEN);
    this.losses = new LossWriter(database);
    this.meta = new MetaWriter(database, location);
    this.seal = parts.seal;
    this.writeSeal = sealWriter(database);
    this.note = new CommitNote(location);
    this.note.write(this.seal);
    this.committedLetterBytes = this.batches.deadLetterBytes(this.seal);
  }

  lastPlan(): BatchPlan | undefined {
    return this.onMain(() => this.batches.lastPlan());
  }

  lastCommit(): Committed | undefined {
    return this.onMain(() => this.batches.lastCommit(this.seal));
  }

  marks(): readonly PartitionMark[] {
    const { database, location } = this.parts;
    return this.onMain(() => readMarks(database, this.seal, location));
  }

  raisedLosses(): readonly DataLoss[] {
    const { database, location } = this.parts;
    return this.onMain(() => readRaisedLosses(database, this.seal, location));
  }

  acceptedLosses(): readonly AcceptedLoss[] {
    const { database, location } = this.parts;
    return this.onMain(() => readAcceptedLosses(database, this.seal, location));
  }

  raiseLosses(losses: readonly DataLoss[]): void {
    this.write((draft) => this.losses.raise(draft, losses, this.parts.clock.nowMs()));
  }

  withdrawLosses(): void {
    this.write((draft) => this.losses.withdraw(draft));
  }

  /**
   * Records raised losses as accepted and moves the partitions, in one transaction (history/accept-raised.ts).
   * @throws USAGE for a range that was not raised
   */
  acceptLosses(ranges: AcceptedRanges): AcceptedLoss[] {
    const { database, location, clock } = this.parts;
    const { batches, losses } = this;
    let accepted: AcceptedLoss[] = [];
    this.write((draft) => {
      const tables = { database, location, draft, batches, losses };
      accepted = acceptRaised(tables, { nowMs: clock.nowMs(), ranges });
    });
    return accepted;
  }

  groups(aggregate: string): Iterable<GroupRow> {
    const { database, identity, location } = this.parts;
    const named = aggregateNamed(identity.aggregates, aggregate, location);
    return this.rowsOnMain(() => groupsOf(database, named, { which: 'open', seal: this.seal, location }));
  }

  group(aggregate: string, key: readonly GroupCell[]): GroupRow | undefined {
    const { database, identity, location } = this.parts;
    const named = aggregateNamed(identity.aggregates, aggregate, location);
    return this.onMain(() => groupOf(database, named, { key, location }));
  }

  dedupeSegments(): Iterable<DedupeSegment> {
    return this.rowsOnMain(() => this.dedupe.segments(this.seal));
  }

  dedupeAppended(): Iterable<Uint8Array> {
    return this.rowsOnMain(() => this.dedupe.appended(this.seal));
  }

  isRedriven({ topicId, partition, offset }: RecordIdentity): boolean {
    return this.onMain(() => firstRow(this.selectRedriven, topicId, partition, offset) !== undefined);
  }

  deadLetterBytes(): number {
    return this.committedLetterBytes + this.staging.bytes;
  }

  holdLock(): void {
    if (!this.parts.lock.held) this.write((draft) => this.keepTryingForLock(draft));
  }

  assertNewest(): void {
    this.onMain(() => this.checkEpoch());
  }

  writePlan(plan: BatchPlan): void {
    this.write((draft) => this.batches.putPlan(draft, plan));
  }

  stageDeadLetter(letter: DeadLetter): void {
    this.act(() => this.staging.stageLetter(letter));
  }

  stageDuplicate(partition: number, offset: number): void {
    const batchId = this.seal.batchId + 1;
    this.act(() => this.staging.stageDuplicate(batchId, partition, offset));
  }

  stagedDeadLetters(): Iterable<DeadLetter> {
    return guardedRows(this.place, () => this.staging.stagedLetters());
  }

  discardStaged(): void {
    this.act(() => this.staging.discard());
  }

  commit(commit: BatchCommit): void {
    const letterBytes = this.staging.bytes;
    try {
      this.write((draft) => this.putCommit(draft, commit, letterBytes));
    } catch (error) {
      this.batches.forgetFailed();
      throw error;
    }
    this.note.write(this.seal);
    this.staging.forget();
    this.committedLetterBytes += letterBytes;
  }

  unprintedReport(): StoredReport | undefined {
    return this.onMain(() => this.batches.unprintedReport());
  }

  /**
   * Costs no additional fsync: the mark survives the process. If the machine loses power before the next commit, the report is
   * printed again, as after a crash between commit and mark.
   */
  markPrinted(batchId: number): void {
    const { database } = this.parts;
    this.onMain(() => database.exec('PRAGMA synchronous = NORMAL'));
    try {
      this.write(() => this.batches.markPrinted(batchId));
    } finally {
      database.exec('PRAGMA synchronous = FULL');
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    // The lock is released last, so that the next runner finds an unused file.
    try {
      guarded(this.place, () => this.parts.database.close());
      this.note.close();
      this.noteContent();
    } finally {
      this.parts.lock.release();
    }
  }

  /**
   * A transaction on the checkpoint that is rejected if another runner has raised the epoch. It also writes the seal of its
   * changes; if it is rolled back, so is the seal.
   */
  private write(body: (draft: SealDraft) => void): void {
    this.onMain(() => {
      this.seal = inTransaction(this.parts.database, () => {
        this.checkEpoch();
        this.checkPresence();
        const draft = new SealDraft(this.seal);
        body(draft);
        const seal = draft.done();
        if (sealText(seal) !== sealText(this.seal)) this.writeSeal(seal);
        return seal;
      });
    });
  }

  private checkEpoch(): void {
    const stored = Number(firstCell(this.selectEpoch));
    if (stored !== this.epoch) throw fencedError(this.place.location, { own: this.epoch, stored });
  }

  /** Within the commit's transaction. */
  private putCommit(draft: SealDraft, commit: BatchCommit, letterBytes: number): void {
    this.keepTryingForLock(draft);
    this.batches.putCommit(draft, commit, letterBytes);
    for (const change of commit.aggregates) {
      const writer = this.aggregates.get(change.aggregate);
      invariant(writer !== undefined, `the plan has no aggregate ${change.aggregate}`);
      writer.write(draft, change);
    }
    this.staging.moveInto(draft, commit.plan.batchId);
    this.dedupe.apply(draft, commit.plan.batchId, commit.dedupe);
    for (const { topicId, partition, offset } of commit.redriven) {
      this.redriven.addNew(draft, [topicId, partition, offset]);
    }
  }

  /** If this is not possible now, for example because the disk is full, the next runner does it. */
  private noteContent(): void {
    try {
      this.parts.lock.noteContent();
    } catch {
      // All commits are kept anyway.
    }
  }

  /** After a take-over the old holder may end at any time. A later start must then find the lock held. */
  private keepTryingForLock(draft: SealDraft): void {
    const { lock, clock } = this.parts;
    if (!lock.held && lock.tryAcquire()) this.meta.writeHolder(draft, clock.nowMs());
  }

  private onMain<T>(action: () => T): T {
    return this.act(() => {
      this.staging.settle();
      return action();
    });
  }

  private rowsOnMain<T>(rows: () => Iterable<T>): Iterable<T> {
    this.onMain(() => undefined);
    return guardedRows(this.place, rows);
  }

  private act<T>(action: () => T): T {
    invariant(!this.closed, 'the checkpoint is closed');
    return guarded(this.place, action);
  }
}
