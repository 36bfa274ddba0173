/** How a command ends when something went wrong: words on stderr, and the exit code of the error's row. */
import { escapeForTerminal } from '../../columns/format/escape.ts';
import { OutputClosedError } from '../compose.ts';
import { InvariantError, TallystreamError } from '../../errors.ts';

const EXIT_FAILED = 1;

/** Reports a failure to a person and gives the exit code. A stack is shown only where every detail was asked for. */
export function reportFailure(
  error: unknown,
  to: { write(text: string): unknown },
  wantsStack: boolean,
): number {
  // A reader that has seen enough, as `head` has, is no failure.
  if (error instanceof OutputClosedError) return 0;
  for (const line of linesOf(error)) to.write(`${line}\n`);
  if (wantsStack && error instanceof Error) to.write(`${escapeLines(error.stack ?? '')}\n`);
  return error instanceof TallystreamError ? error.exitCode : EXIT_FAILED;
}

function linesOf(error: unknown): string[] {
  if (error instanceof TallystreamError) {
    const lines = [`tallystream: ${error.what}`];
    if (error.why !== undefined) lines.push(`  why:  ${error.why}`);
    if (error.mend !== undefined) lines.push(`  mend: ${error.mend}`);
    lines.push(`  (${error.code})`);
    return lines.map(escapeLines);
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof InvariantError) {
    return [
      escapeLines(`tallystream: a fault of this program: ${message}`),
      '  Nothing of the batch in hand was committed. Please report it, with the output of --log-level debug.',
    ];
  }
  return [escapeLines(`tallystream: ${message}`)];
}

/** What an error says may quote an event; its own line breaks stay. */
function escapeLines(text: string): string {
  return text.split('\n').map(escapeForTerminal).join('\n');
}
