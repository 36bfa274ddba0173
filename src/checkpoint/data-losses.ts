/** Losses that were found in the log: raised, so that every run is refused, until a person accepts them. */
import type { DatabaseSync } from 'node:sqlite';
import type { DataLoss } from '../contracts/batch.ts';
import type { AcceptedLoss } from '../contracts/checkpoint.ts';
import { allRows, hasTable } from './database.ts';
import { corrupt } from './failure.ts';
import { crcOfCells } from './row-crc.ts';

/** A loss as it is stored; `acceptedAtMs` and `batchId` are null while it is raised. */
export interface StoredLoss extends DataLoss {
  readonly id: number;
  readonly raisedAtMs: number;
  readonly acceptedAtMs: number | null;
  readonly batchId: number | null;
  readonly isAsWritten: boolean;
}

/** In order of being raised; none in a checkpoint that no runner of this version has opened. */
export function storedLosses(database: DatabaseSync): StoredLoss[] {
  if (!hasTable(database, 'data_losses')) return [];
  const rows = allRows(
    database.prepare(
      `SELECT id, "partition", start_offset, end_offset, kind, why, raised_at_ms, accepted_at_ms, batch_id, crc32
       FROM data_losses ORDER BY id`,
    ),
  );
  return rows.map((row) => ({
    id: row[0] as number,
    partition: row[1] as number,
    start: row[2] as number,
    end: row[3] as number,
    kind: row[4] as DataLoss['kind'],
    why: row[5] as string,
    raisedAtMs: row[6] as number,
    acceptedAtMs: row[7] as number | null,
    batchId: row[8] as number | null,
    isAsWritten: crcOfCells(row, row.length - 1) === row[9],
  }));
}

/** By partition and offset. @throws CHECKPOINT_CORRUPT */
export function readRaisedLosses(database: DatabaseSync, location: string): DataLoss[] {
  return soundLosses(database, location)
    .filter(({ acceptedAtMs }) => acceptedAtMs === null)
    .map(({ partition, start, end, kind, why }) => ({ partition, start, end, kind, why }))
    .toSorted((a, b) => a.partition - b.partition || a.start - b.start);
}

/** In order of acceptance. @throws CHECKPOINT_CORRUPT */
export function readAcceptedLosses(database: DatabaseSync, location: string): AcceptedLoss[] {
  return soundLosses(database, location)
    .flatMap(({ partition, start, end, kind, why, acceptedAtMs, batchId }) =>
      acceptedAtMs === null || batchId === null
        ? []
        : [{ partition, start, end, kind, why, acceptedAtMs, batchId }],
    )
    .toSorted((a, b) => a.acceptedAtMs - b.acceptedAtMs);
}

/** Called within a transaction. Of two raised losses of one partition and kind that overlap, their union is kept. */
export function raiseLosses(database: DatabaseSync, losses: readonly DataLoss[], nowMs: number): void {
  for (const loss of losses) {
    const { partition, kind, why } = loss;
    const same = storedLosses(database).filter(
      (each) =>
        each.acceptedAtMs === null &&
        each.partition === partition &&
        each.kind === kind &&
        each.start <= loss.end &&
        loss.start <= each.end,
    );
    const start = Math.min(loss.start, ...same.map((each) => each.start));
    const end = Math.max(loss.end, ...same.map((each) => each.end));
    if (same.length === 1 && same[0]?.start === start && same[0].end === end) continue;
    for (const { id } of same) database.prepare('DELETE FROM data_losses WHERE id = ?').run(id);
    insertLoss(database, { partition, start, end, kind, why, raisedAtMs: nowMs });
  }
}

/** Called within a transaction: forgets what is raised. */
export function withdrawLosses(database: DatabaseSync): void {
  database.exec('DELETE FROM data_losses WHERE accepted_at_ms IS NULL');
}

/** Called within a transaction. `batchId` is the last batch that was committed. */
export function markAccepted(
  database: DatabaseSync,
  loss: StoredLoss,
  accepted: { readonly nowMs: number; readonly batchId: number },
): void {
  const { id, partition, start, end, kind, why, raisedAtMs } = loss;
  const { nowMs, batchId } = accepted;
  const row = [id, partition, start, end, kind, why, raisedAtMs, nowMs, batchId];
  database
    .prepare('UPDATE data_losses SET accepted_at_ms = ?, batch_id = ?, crc32 = ? WHERE id = ?')
    .run(nowMs, batchId, crcOfCells(row), id);
}

function insertLoss(database: DatabaseSync, loss: DataLoss & { readonly raisedAtMs: number }): void {
  const { partition, start, end, kind, why, raisedAtMs } = loss;
  const [[last = 0] = []] = allRows(database.prepare('SELECT coalesce(max(id), 0) FROM data_losses'));
  const row = [Number(last) + 1, partition, start, end, kind, why, raisedAtMs, null, null];
  database
    .prepare('INSERT INTO data_losses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(...row, crcOfCells(row));
}

function soundLosses(database: DatabaseSync, location: string): StoredLoss[] {
  const losses = storedLosses(database);
  const damaged = losses.find(({ isAsWritten }) => !isAsWritten);
  if (damaged === undefined) return losses;
  throw corrupt(location, `In the table data_losses, row ${damaged.id} does not match its checksum.`);
}
