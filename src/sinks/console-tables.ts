/** Shows the output tables of every batch, in the form of Spark's console sink. */
import type { Writable } from 'node:stream';
import { escapeForTerminal } from '../columns/format/escape.ts';
import { showRows } from '../columns/format/show-rows.ts';
import { TimeZone } from '../columns/values/timezone.ts';
import type { Sink } from '../contracts/sink.ts';
import { writeText, type Loss } from './console.ts';

/** Spark's. */
const ROWS_SHOWN = 20;
const RULE = '-'.repeat(43);

const LOSS: Loss = {
  what: 'The rows of a batch could not be written to the output.',
  hint: 'The batch is not committed; the next start of the query replays it.',
};

export interface ConsoleSinkOptions {
  readonly stream: Writable;
  /** At most this many rows of an output, the first ones; 20 if left out. */
  readonly numRows?: number;
  /** Cells are cut to this many columns of the terminal; `true` (the default) is 20, `false` does not cut them. */
  readonly truncate?: boolean | number;
  /** Instants are shown as the clocks of this zone; UTC if left out. */
  readonly timeZone?: string;
}

/**
 * For trials: a batch is shown before it is committed, so one whose commit was cut off is shown again by the next process.
 * Within a process it is shown once. Texts of events are escaped for the terminal. `write` throws OutputClosedError
 * where the reader of the output has gone, and SINK_FAILED where it takes no more.
 * @throws RangeError for a time zone that is not known
 */
export function createConsoleSink(options: ConsoleSinkOptions): Sink {
  const { stream, numRows: rowsMax = ROWS_SHOWN, truncate = true, timeZone = 'UTC' } = options;
  const zone = TimeZone.of(timeZone);
  // A stream says each error twice, to the write and as an event that ends the process where no one listens.
  stream.on('error', () => undefined);
  const last = new Map<string, number>();
  return {
    name: 'console',
    async write(result, { queryId, batchId }) {
      if ((last.get(queryId) ?? -1) >= batchId) return;
      const outputs = result.outputs();
      const tables = outputs.map(({ name, table }) => {
        const shown = showRows(table, { rowsMax, truncate, zone });
        return outputs.length === 1 ? shown : `${escapeForTerminal(name)}:\n${shown}`;
      });
      await writeText(stream, `${[RULE, `Batch: ${batchId}`, RULE, ...tables].join('\n')}\n`, LOSS);
      last.set(queryId, batchId);
    },
  };
}
