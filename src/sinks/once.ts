/**
 * Writes a batch exactly once in a database other than the checkpoint's: the batch's identity is written in the same
 * transaction as the batch. Batch ids ascend, and only a batch that was planned but not committed is repeated, so only
 * the last one has to be remembered.
 */
import { TallystreamError } from '../errors.ts';
import { onceCallsOf } from '../contracts/once-calls.ts';
import type { BatchIdentity } from '../contracts/sink.ts';

/** The table for the last batch of each query, in the user's own database. */
export const LEDGER = 'tallystream_batches';

/** Options of `onceInSqlite` and `onceInPostgres`. */
export interface OnceOptions {
  /**
   * Distinguishes several writes per batch, each in its own transaction. A second write with the same name in one call
   * of a handler is an error: its batch would already be recorded by the first, so it would be skipped.
   */
  readonly name?: string;
}

/**
 * Notes a call of `helper` that is about to be run, within one call of a handler.
 * @param place tells databases apart
 * @throws USAGE for the second one of a name
 */
export function refuseSecond(helper: string, identity: BatchIdentity, name: string, place: string): void {
  if (onceCallsOf(identity)?.has(`${place}\n${name}`) !== true) return;
  throw new TallystreamError('USAGE', {
    what: `${helper}: the handler calls it twice for batch ${identity.batchId}, both times ${name === '' ? 'without a name' : `as ${JSON.stringify(name)}`}.`,
    why: 'The first call records the batch as written, so the writes of the second would be skipped.',
    hint: "Write everything in one call, or give each call its own name: { name: 'audit' }.",
  });
}

/** Notes that a call has ended well; one that threw may be repeated. */
export function noteCall(identity: BatchIdentity, name: string, place: string): void {
  onceCallsOf(identity)?.add(`${place}\n${name}`);
}

/** What the ledger says of a query. */
export interface Noted {
  readonly batchId: number;
  /** The newest runner that has written. */
  readonly epoch: number;
}

export type OnceVerdict =
  | { readonly kind: 'run' }
  /** The database holds the batch. */
  | { readonly kind: 'repeat' }
  /** A newer runner has written: this one was taken for dead. */
  | { readonly kind: 'fenced'; readonly epoch: number }
  /** A new runner is at a batch before the last one, so its checkpoint is older than the database. */
  | { readonly kind: 'went back'; readonly last: number };

export function judgeBatch(noted: Noted | undefined, { batchId, epoch }: BatchIdentity): OnceVerdict {
  if (noted === undefined) return { kind: 'run' };
  if (epoch < noted.epoch) return { kind: 'fenced', epoch: noted.epoch };
  if (batchId > noted.batchId) return { kind: 'run' };
  const isLater = epoch > noted.epoch && batchId < noted.batchId;
  return isLater ? { kind: 'went back', last: noted.batchId } : { kind: 'repeat' };
}

/**
 * Whether the batch is to be written.
 * @throws WRITER_FENCED, CHECKPOINT_CORRUPT
 */
export function isNew(noted: Noted | undefined, identity: BatchIdentity, place: string): boolean {
  const verdict = judgeBatch(noted, identity);
  switch (verdict.kind) {
    case 'run':
      return true;
    case 'repeat':
      return false;
    case 'fenced':
      throw fencedError(place, identity.epoch, verdict.epoch);
    case 'went back':
      throw new TallystreamError('CHECKPOINT_CORRUPT', {
        what: `${place} already holds batch ${verdict.last} of this query, but the query is at batch ${identity.batchId}.`,
        why: 'The checkpoint is an older copy.',
        hint: 'Restore the newest copy of the checkpoint, or the copy of the database that belongs to this checkpoint.',
      });
  }
}

export function fencedError(place: string, epoch: number, newest: number): TallystreamError {
  return new TallystreamError('WRITER_FENCED', {
    what: `A newer runner of this query (epoch ${newest}) has written to ${place}; this one is epoch ${epoch}.`,
    hint: 'Leave the newer one running. If there is none, this checkpoint is an older copy: restore the newest one.',
  });
}
