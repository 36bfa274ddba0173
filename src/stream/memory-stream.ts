/** A source that a program fills by itself: Structured Streaming's `MemoryStream`. */
import type { RowOf } from '../columns/rows.ts';
import type { Schema } from '../columns/schema.ts';
import type { Log } from '../contracts/log.ts';
import { jsonOfRow } from '../columns/row-json.ts';

export const MEMORY_TOPIC = 'memory';

/** A source that the program fills by itself, for tests and trials; `session.memoryStream(schema)` makes one. */
export class MemoryStream<S extends Schema> {
  /** Of its events, as `load` takes it. */
  readonly schema: S;
  private readonly log: Log;
  private readonly ready: Promise<unknown>;

  constructor(schema: S, log: Log, partitions: number) {
    this.schema = schema;
    this.log = log;
    this.ready = log.createTopic(MEMORY_TOPIC, { partitions });
  }

  /** Appends events, as rows; in the order given to one partition, or spread over all. */
  async addData(rows: readonly RowOf<S>[], partition?: number): Promise<void> {
    await this.addBytes(
      rows.map((row) => jsonOfRow(this.schema, row)),
      partition,
    );
  }

  /** Appends events as they would come from outside, good or bad. */
  async addBytes(values: readonly (string | Uint8Array | null)[], partition?: number): Promise<void> {
    await this.ready;
    const records = values.map((value) => ({
      key: null,
      value: typeof value === 'string' ? new TextEncoder().encode(value) : value,
      ...(partition === undefined ? {} : { partition }),
    }));
    await this.log.append(MEMORY_TOPIC, records);
  }
}

/** The log behind a memory stream, which is nobody's business but the session's; undefined where it is none. */
export function logOf(stream: Pick<MemoryStream<Schema>, 'addBytes'> | undefined): Log | undefined {
  return stream instanceof MemoryStream ? stream['log'] : undefined;
}
