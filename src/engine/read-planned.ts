/** Reads a planned range; if records were removed before the query came, continues after what is gone, if it may. */
import { TallystreamError } from '../errors.ts';
import type { Log, LostRecords, ReadRange, RecordChunk } from '../contracts/log.ts';

export interface LossPolicy {
  /** Whether reading may continue after these records. */
  readonly mayPass: (lost: LostRecords) => boolean;
  /** Called when reading continues after these records. */
  readonly onLost: (lost: LostRecords) => void;
}

/**
 * The chunks of the range, in order.
 * @throws DATA_LOSS if records are gone that may not be passed over; what the log throws
 */
export async function* readPlanned(
  log: Log,
  range: ReadRange,
  { mayPass, onLost }: LossPolicy,
): AsyncGenerator<RecordChunk, void, undefined> {
  const { end } = range;
  let position = range.start;
  /** The next records that are gone, once they are known. Offsets that never had a record may come before them. */
  let gone: LostRecords | undefined;
  while (position < end) {
    const until = gone?.start ?? end;
    try {
      if (position < until) {
        for await (const chunk of log.read({ ...range, start: position, end: until })) {
          yield chunk;
          position = (chunk.offsets[chunk.count - 1] as number) + 1;
        }
      }
    } catch (error) {
      if (!isDataLoss(error)) throw error;
      const found = await findLost(log, { ...range, start: position, end: until });
      // Not lost at second sight: the log contradicts itself, and another try would find the same.
      if (found === undefined || found.start < position || found.end <= found.start || !mayPass(found))
        throw error;
      gone = found;
      continue;
    }
    if (gone === undefined) return;
    onLost(gone);
    position = gone.end;
    gone = undefined;
  }
}

/** The first records of the range that are gone; undefined if all are there. @throws LOG_UNAVAILABLE */
export async function findLost(log: Log, range: ReadRange): Promise<LostRecords | undefined> {
  if (log.findLost !== undefined) return log.findLost(range);
  const { topic, partition, start, end } = range;
  const offsets = await log.offsets(topic);
  const { earliest = start } = offsets.find((each) => each.partition === partition) ?? {};
  return earliest <= start ? undefined : { partition, start, end: Math.min(earliest, end) };
}

function isDataLoss(error: unknown): boolean {
  return error instanceof TallystreamError && error.code === 'DATA_LOSS';
}
