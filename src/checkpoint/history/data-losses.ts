/** Losses that were found in the log. They are raised, so that every run is refused until they are accepted. */
import type { DatabaseSync } from 'node:sqlite';
import type { DataLoss } from '../../contracts/batch.ts';
import type { AcceptedLoss } from '../../contracts/checkpoint.ts';
import { allRows, firstCell, type Row } from '../connection.ts';
import type { Seal, SealDraft } from '../seals/seal.ts';
import { checkedRows } from '../seals/sealed-rows.ts';
import { DATA_LOSSES } from '../seals/sealed-tables.ts';
import { SealedWriter } from '../seals/sealed-writer.ts';

/** A loss as it is stored; `acceptedAtMs` and `batchId` are null while it is raised. */
interface StoredLoss extends DataLoss {
  readonly id: number;
  readonly raisedAtMs: number;
  readonly acceptedAtMs: number | null;
  readonly batchId: number | null;
}

/** By partition and offset. @throws CHECKPOINT_CORRUPT */
export function readRaisedLosses(
  database: DatabaseSync,
  seal: Seal | undefined,
  location: string,
): DataLoss[] {
  return readLosses(database, seal, location)
    .filter(({ acceptedAtMs }) => acceptedAtMs === null)
    .map(({ partition, start, end, kind, why }) => ({ partition, start, end, kind, why }))
    .toSorted((a, b) => a.partition - b.partition || a.start - b.start);
}

/** In order of acceptance. @throws CHECKPOINT_CORRUPT */
export function readAcceptedLosses(
  database: DatabaseSync,
  seal: Seal | undefined,
  location: string,
): AcceptedLoss[] {
  return readLosses(database, seal, location)
    .flatMap(({ partition, start, end, kind, why, acceptedAtMs, batchId }) =>
      acceptedAtMs === null || batchId === null
        ? []
        : [{ partition, start, end, kind, why, acceptedAtMs, batchId }],
    )
    .toSorted((a, b) => a.acceptedAtMs - b.acceptedAtMs);
}

/** Changes the raised losses; each method is called within a transaction. */
export class LossWriter {
  private readonly database: DatabaseSync;
  private readonly rows: SealedWriter;
  private readonly removeOne: ReturnType<SealedWriter['remover']>;
  private readonly removeRaised: ReturnType<SealedWriter['remover']>;

  constructor(database: DatabaseSync) {
    this.database = database;
    this.rows = new SealedWriter(database, DATA_LOSSES);
    this.removeOne = this.rows.remover('id = ?');
    this.removeRaised = this.rows.remover('accepted_at_ms IS NULL');
  }

  /** If two raised losses of one partition and kind overlap, keeps their union. */
  raise(draft: SealDraft, losses: readonly DataLoss[], nowMs: number): void {
    for (const loss of losses) {
      const { partition, kind, why } = loss;
      const same = this.raised().filter(
        (each) =>
          each.partition === partition &&
          each.kind === kind &&
          each.start <= loss.end &&
          loss.start <= each.end,
      );
      const start = Math.min(loss.start, ...same.map((each) => each.start));
      const end = Math.max(loss.end, ...same.map((each) => each.end));
      if (same.length === 1 && same[0]?.start === start && same[0].end === end) continue;
      for (const { id } of same) this.removeOne(draft, id);
      const id = Number(firstCell(this.database.prepare('SELECT coalesce(max(id), 0) + 1 FROM data_losses')));
      this.rows.add(draft, [id, partition, start, end, kind, why, nowMs, null, null]);
    }
  }

  /** Removes the raised losses. */
  withdraw(draft: SealDraft): void {
    this.removeRaised(draft);
  }

  /** `batchId` is the last batch that was committed. */
  accept(
    draft: SealDraft,
    loss: DataLoss,
    { nowMs, batchId }: { readonly nowMs: number; readonly batchId: number },
  ): void {
    for (const each of this.raised()) {
      if (each.partition !== loss.partition || each.start !== loss.start || each.end !== loss.end) continue;
      const { id, partition, start, end, kind, why, raisedAtMs } = each;
      this.rows.put(draft, [id, partition, start, end, kind, why, raisedAtMs, nowMs, batchId]);
    }
  }

  private raised(): StoredLoss[] {
    const query = `SELECT ${DATA_LOSSES.columns.join(', ')} FROM data_losses WHERE accepted_at_ms IS NULL ORDER BY id`;
    return allRows(this.database.prepare(query)).map(lossOf);
  }
}

function readLosses(database: DatabaseSync, seal: Seal | undefined, location: string): StoredLoss[] {
  return checkedRows(database, DATA_LOSSES, seal, location).map(lossOf);
}

function lossOf([id, partition, start, end, kind, why, raisedAtMs, acceptedAtMs, batchId]: Row): StoredLoss {
  return { id, partition, start, end, kind, why, raisedAtMs, acceptedAtMs, batchId } as StoredLoss;
}
