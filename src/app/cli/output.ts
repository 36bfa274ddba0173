/** Results on standard output: written in order, and quietly at an end where nobody reads any more. */
import { escapeJsonLineForTerminal } from '../../columns/format/escape.ts';
import { createStdoutPrinter, OutputClosedError } from '../compose.ts';
import { TallystreamError } from '../../errors.ts';

/**
 * Writes text and resolves when the system has it.
 * @throws OutputClosedError where the reader has gone; SINK_FAILED where the output takes no more
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

/** What the printer says is about a batch's report, which is printed again; what a command shows is not. */
function failureOf(error: unknown): unknown {
  if (error instanceof OutputClosedError) return error;
  const cause = error instanceof TallystreamError ? error.cause : error;
  return new TallystreamError('SINK_FAILED', {
    what: 'The output could not be written.',
    why: `The system says: ${cause instanceof Error ? cause.message : String(cause)}.`,
    mend: 'Where it goes into a file, free some space on its disk, and give the command again.',
    cause,
  });
}

/** A value as a line of JSON that a terminal may show as well: what acts on one is a JSON escape. */
export function jsonLine(value: unknown): string {
  return `${escapeJsonLineForTerminal(JSON.stringify(value))}\n`;
}
