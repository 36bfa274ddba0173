/** Kafka settings of a topic that is created here, except its retention (https://kafka.apache.org/documentation/#topicconfigs). */
import type { TopicOptions } from '../../../contracts/log.ts';

/** What a batch of one record adds to the record: its fixed part, the record's lengths, and those of its headers. */
const BATCH_OVERHEAD_BYTES = 1024;
/**
 * Kafka never compacts the segment that it writes to, and a default one of 1 GiB would keep a small topic uncompacted
 * forever. A segment has to hold the largest batch, which is 17 MiB if the topic has no bound of its own.
 */
const COMPACTED_SEGMENT_BYTES = 32 * 1024 * 1024;
const COMPACTED_SEGMENT_MS = 60 * 60 * 1000;
/** How much of a topic may have been superseded before it is compacted; half by default. */
const COMPACTED_DIRTY_RATIO = 0.1;

export function recordConfigs(options: TopicOptions): { name: string; value: string }[] {
  const { compacted = false, recordBytesMax } = options;
  const settings: Record<string, number | string> = {};
  if (compacted) {
    settings['cleanup.policy'] = 'compact';
    settings['segment.bytes'] = COMPACTED_SEGMENT_BYTES;
    settings['segment.ms'] = COMPACTED_SEGMENT_MS;
    settings['min.cleanable.dirty.ratio'] = COMPACTED_DIRTY_RATIO;
  }
  if (recordBytesMax !== undefined) settings['max.message.bytes'] = recordBytesMax + BATCH_OVERHEAD_BYTES;
  return Object.entries(settings).map(([name, value]) => ({ name, value: String(value) }));
}
