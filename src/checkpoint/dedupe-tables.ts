/**
 * The dedupe state as blobs: full segments, and what each commit appended since the last full one. A commit costs what
 * it added. Every blob carries a CRC-32, since SQLite has none and a flipped bit would forget an id silently.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import type { DedupeChange, DedupeSegment } from '../contracts/batch.ts';
import { type Cell, eachRow } from './database.ts';
import { corrupt } from './failure.ts';

export class DedupeTables {
  private readonly database: DatabaseSync;
  private readonly location: string;
  private readonly insertSegment: StatementSync;
  private readonly deleteSegment: StatementSync;
  private readonly insertAppended: StatementSync;
  private readonly deleteAppended: StatementSync;

  constructor(database: DatabaseSync, location: string) {
    this.database = database;
    this.location = location;
    this.insertSegment = database.prepare('INSERT INTO dedupe_segments VALUES (?, ?, ?)');
    this.deleteSegment = database.prepare('DELETE FROM dedupe_segments WHERE segment = ?');
    this.insertAppended = database.prepare('INSERT INTO dedupe_appended VALUES (?, ?, ?)');
    this.deleteAppended = database.prepare('DELETE FROM dedupe_appended');
  }

  /** Called within the commit's transaction. */
  apply(batchId: number, change: DedupeChange): void {
    // Full segments hold all that was appended before them, so what comes after starts the open segment anew.
    if (change.sealed.length > 0) this.deleteAppended.run();
    for (const { segment, entries } of change.sealed)
      this.insertSegment.run(segment, crc32(entries), entries);
    if (change.appended.byteLength > 0) {
      this.insertAppended.run(batchId, crc32(change.appended), change.appended);
    }
    for (const segment of change.evicted) this.deleteSegment.run(segment);
  }

  /** @throws CHECKPOINT_CORRUPT */
  *segments(): Generator<DedupeSegment, void, undefined> {
    const rows = this.database.prepare(
      'SELECT segment, crc32, entries FROM dedupe_segments ORDER BY segment',
    );
    for (const [segment, crc, entries] of eachRow(rows)) {
      yield { segment: segment as number, entries: this.checked(entries, crc, `segment ${String(segment)}`) };
    }
  }

  /** @throws CHECKPOINT_CORRUPT */
  *appended(): Generator<Uint8Array, void, undefined> {
    const rows = this.database.prepare(
      'SELECT batch_id, crc32, entries FROM dedupe_appended ORDER BY batch_id',
    );
    for (const [batchId, crc, entries] of eachRow(rows)) {
      yield this.checked(entries, crc, `the part of batch ${String(batchId)}`);
    }
  }

  private checked(entries: Cell | undefined, crc: Cell | undefined, name: string): Uint8Array {
    if (entries instanceof Uint8Array && crc32(entries) === crc) return entries;
    throw corrupt(this.location, `In the remembered ids, ${name} does not match its checksum.`);
  }
}
