/**
 * Dead letters and duplicates of the current batch, in temporary tables. Their separate file takes no lock on the checkpoint,
 * is invisible to other processes, disappears with this process, and keeps memory bounded for any input.
 *
 * Rows are gathered in one transaction on that file only. It must end before anything reads or writes the checkpoint on this
 * connection. Otherwise the read would hold a snapshot of the checkpoint until the commit, and if the process were suspended
 * meanwhile, the WAL would keep growing.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { invariant } from '../../errors.ts';
import type { DeadLetter } from '../../contracts/batch.ts';
import { firstRow } from '../connection.ts';
import { bytesOfLetter, letterOfRow, rowOfLetter } from './dead-letter-row.ts';
import { crcOfCells } from '../seals/row-crc.ts';
import { SealSum, type SealDraft } from '../seals/seal.ts';
import { DEAD_LETTERS, DUPLICATES } from '../seals/sealed-tables.ts';
import { DEAD_LETTER_COLUMNS, STAGING_TABLES } from './tables.ts';

export class Staging {
  private readonly database: DatabaseSync;
  private readonly insertLetter: StatementSync;
  private readonly insertDuplicate: StatementSync;
  private readonly moveLetters: StatementSync;
  private readonly moveDuplicates: StatementSync;
  private readonly deleteLetters: StatementSync;
  private readonly deleteDuplicates: StatementSync;
  private letters = new SealSum();
  private duplicates = new SealSum();
  private letterBytes = 0;
  private batchId: number | undefined;

  constructor(database: DatabaseSync) {
    database.exec(STAGING_TABLES);
    this.database = database;
    this.insertLetter = database.prepare(
      'INSERT INTO staged_dead_letters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.insertDuplicate = database.prepare('INSERT INTO staged_duplicates VALUES (?, ?, ?)');
    // Uses the index, since sorting whole letters would copy their bytes once more.
    this.moveLetters = database.prepare(
      `INSERT INTO dead_letters (${DEAD_LETTER_COLUMNS}, crc32) SELECT ${DEAD_LETTER_COLUMNS}, crc32
       FROM staged_dead_letters INDEXED BY staged_dead_letters_in_order ORDER BY "partition", "offset"`,
    );
    this.moveDuplicates = database.prepare(
      `INSERT INTO duplicates (batch_id, "partition", "offset", crc32) SELECT ?, "partition", "offset", crc32
       FROM staged_duplicates ORDER BY "partition", "offset"`,
    );
    this.deleteLetters = database.prepare('DELETE FROM staged_dead_letters');
    this.deleteDuplicates = database.prepare('DELETE FROM staged_duplicates');
  }

  /** Bytes of the staged keys, values and headers. */
  get bytes(): number {
    return this.letterBytes;
  }

  stageLetter(letter: DeadLetter): void {
    invariant(
      this.batchId === undefined || this.batchId === letter.batchId,
      'letters of two batches are staged',
    );
    this.begin();
    const cells = rowOfLetter(letter);
    const crc = crcOfCells(cells);
    this.insertLetter.run(...cells, crc);
    this.batchId = letter.batchId;
    this.letters.add(crc);
    this.letterBytes += bytesOfLetter(letter);
  }

  /** In order of partition and offset, one row per statement: between two rows the checkpoint may be used. */
  *stagedLetters(): Generator<DeadLetter, void, undefined> {
    if (this.letters.rows === 0) return;
    const next = this.database.prepare(
      `SELECT ${DEAD_LETTER_COLUMNS} FROM staged_dead_letters
       WHERE ("partition", "offset") > (?, ?) ORDER BY "partition", "offset" LIMIT 1`,
    );
    next.setReadBigInts(true);
    let at: readonly [number, number] = [-1, -1];
    for (;;) {
      const row = firstRow(next, ...at);
      if (row === undefined) return;
      const letter = letterOfRow(row);
      yield letter;
      at = [letter.partition, letter.offset];
    }
  }

  /** @param batchId of the current batch; the checksum of the row covers it */
  stageDuplicate(batchId: number, partition: number, offset: number): void {
    this.begin();
    const crc = crcOfCells([batchId, partition, offset]);
    this.insertDuplicate.run(partition, offset, crc);
    this.duplicates.add(crc);
  }

  /** Ends the gathering transaction, if there is one. */
  settle(): void {
    if (this.database.isTransaction) this.database.exec('COMMIT');
  }

  discard(): void {
    this.settle();
    if (this.letters.rows > 0) this.deleteLetters.run();
    if (this.duplicates.rows > 0) this.deleteDuplicates.run();
    this.forget();
  }

  /** Moves everything into the checkpoint; called within the commit's transaction, which can still be rolled back. */
  moveInto(draft: SealDraft, batchId: number): void {
    if (this.letters.rows > 0) {
      invariant(this.batchId === batchId, `the staged letters are not of batch ${batchId}`);
      checkMoved(this.moveLetters.run().changes, this.letters.rows);
      draft.of(DEAD_LETTERS.name).addAll(this.letters);
      this.deleteLetters.run();
    }
    if (this.duplicates.rows > 0) {
      checkMoved(this.moveDuplicates.run(batchId).changes, this.duplicates.rows);
      draft.of(DUPLICATES.name).addAll(this.duplicates);
      this.deleteDuplicates.run();
    }
  }

  /** Called after the commit. */
  forget(): void {
    this.letters = new SealSum();
    this.duplicates = new SealSum();
    this.letterBytes = 0;
    this.batchId = undefined;
  }

  private begin(): void {
    if (!this.database.isTransaction) this.database.exec('BEGIN');
  }
}

/** A full disk can roll back the gathering transaction. Rows that were lost in this way must not be missing from a commit. */
function checkMoved(moved: number | bigint, staged: number): void {
  invariant(Number(moved) === staged, `${moved} of ${staged} staged rows are left`);
}
