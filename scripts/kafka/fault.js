// A failure that the one who typed the command can do something about, and the end of a script that meets one.

/** The exit codes of the command line: 1 failed, 2 usage, 3 what is missing on the machine, 4 the broker. */
export const EXIT = Object.freeze({ failed: 1, usage: 2, missing: 3, broker: 4 });

export class KafkaFault extends Error {
  /**
   * @param {number} exitCode one of {@link EXIT}
   * @param {{ what: string, why?: string | undefined, hint?: string | undefined }} parts
   */
  constructor(exitCode, { what, why, hint }) {
    super([what, why, hint].filter((part) => part !== undefined).join(' '));
    this.name = 'KafkaFault';
    this.exitCode = exitCode;
    this.what = what;
    this.why = why;
    this.hint = hint;
  }
}

/**
 * Runs a script and sets its exit code. Words go to stderr, in the form of Tallystream's own errors.
 * @param {() => Promise<void>} act
 */
export async function runScript(act) {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof KafkaFault)) throw error;
    const why = error.why === undefined ? '' : `  why: ${error.why}\n`;
    const hint = error.hint === undefined ? '' : `  hint: ${error.hint}\n`;
    process.stderr.write(`kafka: ${error.what}\n${why}${hint}`);
    process.exitCode = error.exitCode;
  }
}
