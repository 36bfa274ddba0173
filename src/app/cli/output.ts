/** Results on standard output: written in order, without an error message if the reader has closed the pipe. */
import { escapeJsonLineForTerminal } from '../../columns/format/escape.ts';
import { createStdoutPrinter, OutputClosedError } from '../compose.ts';
import { TallystreamError } from '../../errors.ts';

/**
 * Writes text and resolves when the system has accepted it.
 * @throws OutputClosedError if the reader has closed the pipe; SINK_FAILED if the output cannot be written
 */
export type WriteOut = (text: string | Uint8Array) => Promise<void>;

export async function createOutput(): Promise<WriteOut> {
  const printer = await createStdoutPrinter((text) => text as string | Uint8Array);
  return async (text) => {
    try {
      await printer.print(text);
    } catch (error) {
      throw failureOf(error);
    }
  };
}

/** The printer's error is about a batch's report, which is printed again; output of a command is not. */
function failureOf(error: unknown): unknown {
  if (error instanceof OutputClosedError) return error;
  const cause = error instanceof TallystreamError ? error.cause : error;
  return new TallystreamError('SINK_FAILED', {
    what: 'The output could not be written.',
    why: `The system says: ${cause instanceof Error ? cause.message : String(cause)}.`,
    hint: 'If it goes to a file, free some space on its disk. Then run the command again.',
    cause,
  });
}

/** A value as a line of JSON that is safe to show in a terminal: control characters are JSON escapes. */
export function jsonLine(value: unknown): string {
  return `${escapeJsonLineForTerminal(JSON.stringify(value))}\n`;
}
