/** Waits until a log shows all its records: those after the start of another producer's open transaction are hidden. */
import type { Clock } from '../../contracts/clock.ts';
import type { Log, PartitionOffsets } from '../../contracts/log.ts';
import { TallystreamError } from '../../errors.ts';

/** Brokers end a transaction that its producer left open after a minute, unless it asked for longer. */
const WAIT_MS_MAX = 75_000;
const ASK_EVERY_MS = 250;

/** `end` is one past the last record, shown or not, on logs that can hide some. */
type Ends = PartitionOffsets & { readonly end?: number };

/**
 * Resolves when what the log holds now is shown. Without it, a producer's own lines would seem to be missing.
 * @throws LOG_UNAVAILABLE if a transaction stays open for longer than brokers allow by default
 */
export async function untilShown(log: Log, topic: string, clock: Clock): Promise<void> {
  const startedMs = clock.monotonicMs();
  let due: readonly number[] | undefined;
  for (;;) {
    const offsets: readonly Ends[] = await log.offsets(topic);
    due ??= offsets.map(({ latest, end }) => Math.max(latest, end ?? 0));
    const hidden = offsets.filter(({ latest }, index) => latest < (due?.[index] ?? 0));
    if (hidden.length === 0) return;
    if (clock.monotonicMs() - startedMs >= WAIT_MS_MAX) throw stillHidden(topic, hidden);
    await clock.sleep(ASK_EVERY_MS);
  }
}

function stillHidden(topic: string, hidden: readonly Ends[]): TallystreamError {
  const parts = hidden.map(({ partition, latest, end = latest }) => {
    return `${end - latest} records of partition ${partition}`;
  });
  return new TallystreamError('LOG_UNAVAILABLE', {
    what: `Topic '${topic}' does not show all its records: ${parts.join(', ')} are hidden by an open transaction of another producer.`,
    why: 'Which lines are in the log is known only after that transaction has ended.',
    hint: 'Wait until that producer commits or aborts, or end it. Then run the same command again.',
  });
}
