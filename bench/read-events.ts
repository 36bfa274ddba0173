/** Every record of a topic, with the moment at which its event began. */
import { openLog, systemClock } from '../src/app/compose.ts';
import { loadConfig } from '../src/app/config/load.ts';

export interface ReadEvent {
  readonly partition: number;
  readonly offset: number;
  /** The event's own timestamp, or its record's where that is earlier; epoch milliseconds. */
  readonly beganMs: number;
}

export async function readEvents(
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<readonly ReadEvent[]> {
  const { config } = await loadConfig({ flags: {}, env, cwd });
  const { topic } = config.log;
  const log = await openLog(config, systemClock, { readOnly: true });
  const decoder = new TextDecoder();
  const events: ReadEvent[] = [];
  try {
    for (const { partition, earliest, latest } of await log.offsets(topic)) {
      for await (const chunk of log.read({ topic, partition, start: earliest, end: latest })) {
        for (let row = 0; row < chunk.count; row += 1) {
          const value = chunk.bytes.subarray(chunk.valueStart[row], chunk.valueEnd[row]);
          const { timestamp } = JSON.parse(decoder.decode(value)) as { timestamp: string };
          const beganMs = Math.min(Date.parse(timestamp), chunk.timestampsMs[row] as number);
          events.push({ partition, offset: chunk.offsets[row] as number, beganMs });
        }
      }
    }
  } finally {
    await log.close();
  }
  return events;
}
