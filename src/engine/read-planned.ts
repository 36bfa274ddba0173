/** Reads a planned range; where retention was faster than the query, goes on after what is gone, if it may. */
import { TallystreamError } from '../errors.ts';
import type { PlannedRange } from '../contracts/batch.ts';
import type { Log, ReadRange, RecordChunk } from '../contracts/log.ts';

/**
 * The chunks of the range, in order. `onLost` is told what was gone when it came to be read; without it that is an error.
 * @throws DATA_LOSS where there is no `onLost`; what the log throws
 */
export async function* readPlanned(
  log: Log,
  range: ReadRange,
  onLost: ((lost: PlannedRange) => void) | undefined,
): AsyncGenerator<RecordChunk, void, undefined> {
  const { topic, partition, end } = range;
  let position = range.start;
  while (position < end) {
    try {
      for await (const chunk of log.read({ ...range, start: position })) {
        yield chunk;
        position = (chunk.offsets[chunk.count - 1] as number) + 1;
      }
      return;
    } catch (error) {
      if (onLost === undefined || !isDataLoss(error)) throw error;
      const offsets = await log.offsets(topic);
      const { earliest = position } = offsets.find((each) => each.partition === partition) ?? {};
      // Not lost at second sight: the log contradicts itself, and another try would find the same.
      if (earliest <= position) throw error;
      onLost({ partition, start: position, end: Math.min(earliest, end) });
      position = earliest;
    }
  }
}

function isDataLoss(error: unknown): boolean {
  return error instanceof TallystreamError && error.code === 'DATA_LOSS';
}
