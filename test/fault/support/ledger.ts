/**
 * Every report that any run has printed. A batch's report comes after its commit and before its mark; so it is printed
 * in the run that commits it or in the next, in order, and again only where its mark was missing, first and unchanged.
 */
import assert from 'node:assert/strict';
import type { Marks } from './checkpoint-file.ts';
import { centsOf } from './purchases.ts';

interface Report {
  readonly batchId: number;
  readonly daily: readonly {
    readonly currency: string;
    readonly dailyTotal: string;
    readonly transactions: number;
  }[];
  readonly runningTotals: readonly {
    readonly currency: string;
    readonly total: string;
    readonly transactions: number;
  }[];
  readonly accounting: Readonly<Record<string, number>>;
}

export class ReportLedger {
  /** The line of every batch, by its number. */
  readonly lines: string[];
  /** Reports that were printed more than once. */
  repeats = 0;

  /** Goes on from what was printed before. */
  constructor(lines: readonly string[] = []) {
    this.lines = [...lines];
  }

  /** A run that is over. What a kill has cut off counts as not printed. */
  addRun(stdout: string, before: Marks, after: Marks): void {
    const lines = wholeLines(stdout);
    let next = before.unmarked === undefined ? before.last + 1 : before.last;
    lines.forEach((line, index) => {
      const { batchId } = reportOf(line);
      assert.equal(batchId, next, `printed batch ${batchId} where batch ${next} was due`);
      const earlier = this.lines[batchId];
      if (index === 0 && before.unmarked !== undefined) {
        assert.deepEqual(
          JSON.parse(line),
          JSON.parse(before.unmarked),
          'printed another report than was stored',
        );
        if (earlier !== undefined) {
          assert.equal(line, earlier, `the report of batch ${batchId} has changed`);
          this.repeats += 1;
        }
      } else assert.equal(earlier, undefined, `printed batch ${batchId} again, which was marked`);
      this.lines[batchId] = line;
      next += 1;
    });
    this.checkMarks(after);
  }

  /** All of it adds up, to what `totals --json` says. */
  checkTotals(totals: Readonly<Record<string, unknown>>): void {
    assert.equal(this.lines.length - 1, totals['lastBatchId'], 'the last batch has no report');
    const accounting: Record<string, number> = {};
    const running = new Map<string, { cents: bigint; transactions: number }>();
    for (const line of this.lines) {
      const report = reportOf(line);
      for (const [name, count] of Object.entries(report.accounting))
        accounting[name] = (accounting[name] ?? 0) + count;
      addDays(running, report);
      const stated = report.runningTotals.map((row) => [row.currency, centsOf(row.total), row.transactions]);
      const currencies = [...running.keys()].sort();
      const summed = currencies.map((name) => [
        name,
        running.get(name)?.cents,
        running.get(name)?.transactions,
      ]);
      assert.deepEqual(stated, summed, `the running total of batch ${report.batchId}`);
    }
    assert.deepEqual(accounting, totals['accounting'], 'the reports add up to another accounting');
  }

  private checkMarks({ last, unmarked }: Marks): void {
    const printed = this.lines.length - 1;
    assert.ok(printed <= last, `batch ${printed} was printed, and only ${last} is committed`);
    if (unmarked === undefined)
      assert.equal(printed, last, `batch ${last} is marked as printed, and was not`);
    else assert.ok(printed >= last - 1, `batch ${last - 1} is committed, and was not printed`);
  }
}

export function wholeLines(stdout: string): string[] {
  return stdout.split('\n').slice(0, -1);
}

export function reportOf(line: string): Report {
  return JSON.parse(line) as Report;
}

function addDays(running: Map<string, { cents: bigint; transactions: number }>, { daily }: Report): void {
  for (const { currency, dailyTotal, transactions } of daily) {
    const sum = running.get(currency) ?? { cents: 0n, transactions: 0 };
    sum.cents += centsOf(dailyTotal);
    sum.transactions += transactions;
    running.set(currency, sum);
  }
}
