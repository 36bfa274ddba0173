/**
 * The dedupe state as blobs: full segments, and the ids that each commit appended since the last full segment. A commit
 * writes only the new ids. Every blob has a checksum that includes its number, and the seal has the number of blobs.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { DedupeChange, DedupeSegment } from '../../contracts/batch.ts';
import { corrupt } from '../errors.ts';
import type { Seal, SealDraft } from '../seals/seal.ts';
import { storedRows } from '../seals/sealed-rows.ts';
import { DEDUPE_APPENDED, DEDUPE_SEGMENTS, type SealedTable } from '../seals/sealed-tables.ts';
import { SealedWriter } from '../seals/sealed-writer.ts';

export class DedupeTables {
  private readonly database: DatabaseSync;
  private readonly location: string;
  private readonly segmentRows: SealedWriter;
  private readonly appendedRows: SealedWriter;
  private readonly removeSegment: ReturnType<SealedWriter['remover']>;
  private readonly removeAppended: ReturnType<SealedWriter['remover']>;

  constructor(database: DatabaseSync, location: string) {
    this.database = database;
    this.location = location;
    this.segmentRows = new SealedWriter(database, DEDUPE_SEGMENTS);
    this.appendedRows = new SealedWriter(database, DEDUPE_APPENDED);
    this.removeSegment = this.segmentRows.remover('segment = ?');
    this.removeAppended = this.appendedRows.remover('true');
  }

  /** Called within the commit's transaction. */
  apply(draft: SealDraft, batchId: number, change: DedupeChange): void {
    // Full segments contain all earlier appended ids, so the open segment starts again after them.
    if (change.sealed.length > 0) this.removeAppended(draft);
    for (const { segment, entries } of change.sealed) this.segmentRows.add(draft, [segment, entries]);
    if (change.appended.byteLength > 0) this.appendedRows.add(draft, [batchId, change.appended]);
    for (const segment of change.evicted) this.removeSegment(draft, segment);
  }

  /** Throws after the last one if one is missing. @throws CHECKPOINT_CORRUPT */
  *segments(seal: Seal): Generator<DedupeSegment, void, undefined> {
    for (const [segment, entries] of this.blobs(DEDUPE_SEGMENTS, seal, 'segment')) {
      yield { segment, entries };
    }
  }

  /** Throws after the last one if one is missing. @throws CHECKPOINT_CORRUPT */
  *appended(seal: Seal): Generator<Uint8Array, void, undefined> {
    for (const [, entries] of this.blobs(DEDUPE_APPENDED, seal, 'the part of batch')) yield entries;
  }

  private *blobs(
    table: SealedTable,
    seal: Seal,
    name: string,
  ): Generator<[number, Uint8Array], void, undefined> {
    for (const { cells, isAsWritten } of storedRows(this.database, table, seal, this.location)) {
      const [number, entries] = cells;
      if (!isAsWritten || !(entries instanceof Uint8Array)) {
        const why = `In the stored event ids, ${name} ${String(number)} does not match its checksum.`;
        throw corrupt(this.location, why);
      }
      yield [number as number, entries];
    }
  }
}
