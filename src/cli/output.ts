/** Results on standard output: written in order, and quietly at an end where nobody reads any more. */
import { escapeJsonLineForTerminal } from '../columns/escape.ts';
import { createStdoutPrinter, OutputClosedError } from '../compose.ts';

/** Writes text and resolves when the system has it. @throws OutputClosedError where the reader has gone */
export type WriteOut = (text: string | Uint8Array) => Promise<void>;

export async function createOutput(): Promise<WriteOut> {
  const printer = await createStdoutPrinter((text) => text as string);
  return async (text) => {
    if (typeof text === 'string') return printer.print(text);
    await writeBytes(text);
  };
}

/** A value as a line of JSON that a terminal may show as well: what acts on one is a JSON escape. */
export function jsonLine(value: unknown): string {
  return `${escapeJsonLineForTerminal(JSON.stringify(value))}\n`;
}

/** Bytes as they are, for what must come back unchanged. */
function writeBytes(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error?: NodeJS.ErrnoException | null) => {
      if (error === null || error === undefined) resolve();
      else reject(CLOSED.has(error.code ?? '') ? new OutputClosedError(error) : error);
    });
  });
}

/** How systems say that a pipe's other end is closed. */
const CLOSED = new Set(['EPIPE', 'EOF', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);
