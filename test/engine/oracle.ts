/** The semantics word by word, over plain objects: what the engine must come to, however its input is cut. */
import type { RecordInput } from '../../src/contracts/log.ts';
import type { TestEvent } from './harness.ts';

export interface OracleResult {
  /** `partition:offset REASON` of every record that was not accepted. */
  readonly verdicts: readonly string[];
  /** `date kind` → [total in cents, events]. */
  readonly groups: ReadonlyMap<string, { cents: bigint; events: number }>;
  readonly accepted: number;
}

export type OracleRecord = { readonly event: TestEvent } | { readonly broken: RecordInput };

/**
 * Each partition on its own, in offset order; right where no id repeats across partitions and none is idle. An id is
 * known while its time + delay is not below the partition's watermark, that is its largest accepted time − delay.
 */
export function oracle(
  partitions: readonly (readonly OracleRecord[])[],
  delayMs: number,
  latestMs: number,
): OracleResult {
  const verdicts: string[] = [];
  const groups = new Map<string, { cents: bigint; events: number }>();
  let accepted = 0;
  partitions.forEach((records, partition) => {
    const seen = new Map<string, TestEvent>();
    let largestMs = -Infinity;
    records.forEach((record, offset) => {
      const reason = 'broken' in record ? 'MALFORMED_JSON' : verdict(record.event);
      if (reason !== undefined) {
        verdicts.push(`${partition}:${offset} ${reason}`);
        return;
      }
      const { event } = record as { event: TestEvent };
      seen.set(event.id, event);
      largestMs = Math.max(largestMs, event.atMs);
      accepted += 1;
      const key = `${new Date(event.atMs).toISOString().slice(0, 10)} ${event.kind ?? ''}`;
      const group = groups.get(key) ?? { cents: 0n, events: 0 };
      groups.set(key, { cents: group.cents + BigInt(event.amountCents ?? 0), events: group.events + 1 });
    });

    function verdict(event: TestEvent): string | undefined {
      if (event.atMs > latestMs) return 'FUTURE_TIMESTAMP';
      const watermarkMs = largestMs - delayMs;
      const first = seen.get(event.id);
      if (first !== undefined && first.atMs + delayMs >= watermarkMs) {
        return JSON.stringify(first) === JSON.stringify(event) ? 'DUPLICATE' : 'CONFLICTING_DUPLICATE';
      }
      return event.atMs < watermarkMs ? 'LATE' : undefined;
    }
  });
  return { verdicts, groups, accepted };
}
