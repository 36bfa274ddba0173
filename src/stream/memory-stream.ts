/** A source that the program fills: Structured Streaming's `MemoryStream`. */
import type { RowOf } from '../columns/rows.ts';
import type { Schema } from '../columns/schema/schema.ts';
import type { Log } from '../contracts/log.ts';
import { TallystreamError } from '../errors.ts';
import { jsonOfRow } from '../columns/format/row-json.ts';

export const MEMORY_TOPIC = 'memory';

/** A source that the program fills, for tests and experiments. Create one with `session.memoryStream(schema)`. */
export class MemoryStream<S extends Schema> {
  /** The schema of its events. */
  readonly schema: S;
  private readonly log: Log;
  private readonly ready: Promise<unknown>;

  constructor(schema: S, log: Log, partitions: number) {
    this.schema = schema;
    this.log = log;
    this.ready = log.createTopic(MEMORY_TOPIC, { partitions });
  }

  /**
   * Appends rows as events: in this order to one partition, or spread over all partitions if none is given.
   * @throws TallystreamError `USAGE` for a value that is not a row of the schema
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

  /** Appends raw event values, valid or not, as an external producer would. */
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
    hint: 'Write decimals, instants and dates as text, and longs as bigint. For deliberately invalid events, use addBytes.',
  });
}

/** The log of a memory stream, for the session only; undefined if it is not a memory stream. */
export function logOf(stream: Pick<MemoryStream<Schema>, 'addBytes'> | undefined): Log | undefined {
  return stream instanceof MemoryStream ? stream['log'] : undefined;
}
