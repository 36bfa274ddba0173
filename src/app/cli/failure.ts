/** How a failed command ends: a message on stderr, and the exit code from the error table. */
import { escapeForTerminal } from '../../columns/format/escape.ts';
import { OutputClosedError } from '../compose.ts';
import { InvariantError, TallystreamError } from '../../errors.ts';

const EXIT_FAILED = 1;

/** Reports a failure to the user and returns the exit code. Shows the stack only at the log level debug. */
export function reportFailure(
  error: unknown,
  to: { write(text: string): unknown },
  wantsStack: boolean,
): number {
  // A reader that closes the pipe, such as `head`, is not a failure.
  if (error instanceof OutputClosedError) return 0;
  for (const line of linesOf(error)) to.write(`${line}\n`);
  if (wantsStack && error instanceof Error) to.write(`${escapeLines(error.stack ?? '')}\n`);
  return error instanceof TallystreamError ? error.exitCode : EXIT_FAILED;
}

function linesOf(error: unknown): string[] {
  if (error instanceof TallystreamError) {
    const lines = [`tallystream: ${error.what}`];
    if (error.why !== undefined) lines.push(`  why:  ${error.why}`);
    if (error.hint !== undefined) lines.push(`  hint: ${error.hint}`);
    lines.push(`  (${error.code})`);
    return lines.map(escapeLines);
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof InvariantError) {
    return [
      escapeLines(`tallystream: internal error: ${message}`),
      '  Nothing of the current batch was committed. Please report this, with the output of --log-level debug.',
    ];
  }
  return [escapeLines(`tallystream: ${message}`)];
}

/** A message may quote an event, so it is escaped; its own line breaks stay. */
function escapeLines(text: string): string {
  return text.split('\n').map(escapeForTerminal).join('\n');
}
