/** What a query has emitted and judged, by batch: it outlives the query, as a sink outside does. */
import type { Accounting, BatchProgress } from '../contracts/batch.ts';
import { NO_ACCOUNTING } from '../contracts/batch.ts';
import type { SeenBatch } from './stream-test-error.ts';
import { comparable, linesText } from './value-text.ts';

export class Answers {
  private readonly isComplete: boolean;
  private readonly rowsOf = new Map<number, readonly unknown[]>();
  private readonly accountingOf = new Map<number, Accounting>();
  private checkedBatches = 0;

  constructor(isComplete: boolean) {
    this.isComplete = isComplete;
  }

  /** @throws Error if a batch comes again with other rows: it has to be the same for those who remember its id */
  take(batchId: number, rows: readonly unknown[]): void {
    const before = this.rowsOf.get(batchId);
    if (before !== undefined && comparable(before) !== comparable(rows)) {
      throw new Error(
        `Batch ${batchId} was repeated with other rows. First:\n${linesText(before, '  ')}\nThen:\n${linesText(rows, '  ')}`,
      );
    }
    this.rowsOf.set(batchId, rows);
  }

  committed({ batchId, accounting }: BatchProgress): void {
    this.accountingOf.set(batchId, accounting);
  }

  /** The rows of a check; what a check has looked at is not new any more. */
  check(scope: 'all' | 'new'): readonly unknown[] {
    const batches = [...this.rowsOf.values()];
    const looked = batches.slice(scope === 'all' ? 0 : this.checkedBatches);
    this.checkedBatches = batches.length;
    return this.isComplete ? (looked.at(-1) ?? []) : looked.flat();
  }

  accounting(): Accounting {
    let sum = NO_ACCOUNTING;
    for (const each of this.accountingOf.values()) {
      sum = {
        read: sum.read + each.read,
        accepted: sum.accepted + each.accepted,
        invalid: sum.invalid + each.invalid,
        duplicate: sum.duplicate + each.duplicate,
        late: sum.late + each.late,
      };
    }
    return sum;
  }

  seen(): readonly SeenBatch[] {
    return [...this.rowsOf].map(([batchId, rows]) => {
      return { batchId, rows, accounting: this.accountingOf.get(batchId) };
    });
  }
}
