/** The timestamps of the newest records of a topic, as far as a few reads show them. */
import type { Log, PartitionOffsets } from '../../contracts/log.ts';
import { TallystreamError } from '../../errors.ts';

/** A topic may have a thousand partitions, and a start should not wait for a read of each. */
const PARTITIONS_MAX = 16;
/** Of one partition. Some offsets may hold no record: a transaction's end takes one. */
const OFFSETS_MAX = 16;

export interface RecordTime {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
}

/** What cannot be read is left out; the batch that reads its content says why. */
export async function newestRecords(
  log: Log,
  topic: string,
  offsets: readonly PartitionOffsets[],
): Promise<RecordTime[]> {
  const filled = offsets.filter(
    ({ earliest, latest, unavailable }) => unavailable === undefined && latest > earliest,
  );
  const step = Math.max(1, Math.ceil(filled.length / PARTITIONS_MAX));
  const some = filled.filter((_, at) => at % step === 0);
  const found = await Promise.all(some.map((each) => newestOf(log, topic, each)));
  return found.flat();
}

async function newestOf(
  log: Log,
  topic: string,
  { partition, earliest, latest }: PartitionOffsets,
): Promise<RecordTime[]> {
  const start = Math.max(earliest, latest - OFFSETS_MAX);
  const found: RecordTime[] = [];
  try {
    for await (const chunk of log.read({ topic, partition, start, end: latest })) {
      for (let row = 0; row < chunk.count; row += 1) {
        const [offset, timestampMs] = [chunk.offsets[row] as number, chunk.timestampsMs[row] as number];
        found.push({ partition, offset, timestampMs });
      }
    }
  } catch (error) {
    if (!(error instanceof TallystreamError) || !UNREADABLE.includes(error.code)) throw error;
  }
  return found;
}

const UNREADABLE: readonly string[] = ['DATA_LOSS', 'LOG_CORRUPT'];
