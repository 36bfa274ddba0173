/** A source that a program fills by itself: Structured Streaming's `MemoryStream`. */
import type { RowOf } from '../columns/rows.ts';
import type { Schema } from '../columns/schema/schema.ts';
import type { Log } from '../contracts/log.ts';
import { TallystreamError } from '../errors.ts';
import { jsonOfRow } from '../columns/format/row-json.ts';

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

  /**
   * Appends events, as rows; in the order given to one partition, or spread over all.
   * @throws TallystreamError `USAGE` for what is not a row
   */
  async addData(rows: readonly RowOf<S>[], partition?: number): Promise<void> {
    if (!Array.isArray(rows)) throw noRow('it takes an array of rows');
    const values = rows.map((row: unknown, index) => {
      if (typeof row !== 'object' || row === null) throw noRow(`row ${index} is not an object`);
      try {
        return jsonOfRow(this.schema, row);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw noRow(`in row ${index}, ${error.message}`);
      }
    });
    await this.addBytes(values, partition);
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

function noRow(why: string): TallystreamError {
  return new TallystreamError('USAGE', {
    what: `addData: ${why}.`,
    mend: 'Write decimals, instants and dates as text, and longs as bigint. For deliberately invalid events, use addBytes.',
  });
}

/** The log behind a memory stream, which is no one's business but the session's; undefined if it is none. */
export function logOf(stream: Pick<MemoryStream<Schema>, 'addBytes'> | undefined): Log | undefined {
  return stream instanceof MemoryStream ? stream['log'] : undefined;
}
