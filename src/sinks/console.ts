/** Prints reports to a stream, such as the process's stdout. */
import type { Writable } from 'node:stream';
import type { ReportPrinter } from '../contracts/sink.ts';
import { TallystreamError } from '../errors.ts';

/**
 * The reader of the output closed it (`tallystream run | head`). The command ends quietly with exit code 0; the
 * report was not printed and must not be marked as printed.
 */
export class OutputClosedError extends Error {
  constructor(cause: unknown) {
    super('the reader of the output closed it', { cause });
    this.name = 'OutputClosedError';
  }
}

export interface ReportPrinterOptions {
  readonly stream: Writable;
  /** The text of a stored report, with its last line feed, or bytes as they are; an empty one prints nothing. */
  readonly render: (report: unknown) => string | Uint8Array;
}

/**
 * `print` resolves when the report's text was handed to the operating system, so that its mark never comes before it.
 * It rejects with {@link OutputClosedError} where the other end is gone, and with SINK_FAILED where the stream takes no
 * more (a full disk under a redirected file). A repeat after an error prints the whole report again.
 */
export function createReportPrinter({ stream, render }: ReportPrinterOptions): ReportPrinter {
  // A stream says each error twice, to the write and as an event that ends the process where no one listens.
  stream.on('error', () => undefined);
  return {
    async print(report) {
      const text = render(report);
      if (text.length > 0) await writeText(stream, text, REPORT);
    },
  };
}

/** What is lost where the output takes no more, and what becomes of it: sentences of the error. */
export interface Loss {
  readonly what: string;
  readonly hint: string;
}

const REPORT: Loss = {
  what: 'A report could not be written to the output.',
  hint: 'The batch is committed; the next start prints its report again.',
};

/**
 * Resolves when the text was handed to the operating system.
 * @throws OutputClosedError, SINK_FAILED
 */
export function writeText(stream: Writable, text: string | Uint8Array, loss: Loss): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(failureOf(error, loss));
    });
  });
}

/** A closed pipe or socket as Linux, Windows and a stream that met it before name it. */
const CLOSED = new Set(['EPIPE', 'EOF', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']);

function failureOf(error: NodeJS.ErrnoException, { what, hint }: Loss): Error {
  if (error.code !== undefined && CLOSED.has(error.code)) return new OutputClosedError(error);
  return new TallystreamError('SINK_FAILED', {
    what,
    why: `The system says: ${error.message}.`,
    hint,
    cause: error,
  });
}
