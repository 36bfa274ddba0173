/**
 * One table of every failure that somebody can act on: who must act, whether a retry can help, and the exit code.
 * A code exists only because a caller, or a person, does something different when it sees it.
 */

export type Actor = 'user' | 'operator' | 'nobody';

interface ErrorRow {
  /** Who has to do something: the one who typed the command, the one who runs the system, or nobody (a retry helps). */
  readonly actor: Actor;
  /** Whether the same call can succeed later without anybody changing anything. */
  readonly retry: boolean;
  /** The process's exit code when the error ends a command (design: 1 failed, 2 usage, 3 configuration, 4 log, 5 checkpoint). */
  readonly exitCode: 1 | 2 | 3 | 4 | 5;
}

const TABLE = {
  USAGE: { actor: 'user', retry: false, exitCode: 2 },
  CONFIG_INVALID: { actor: 'user', retry: false, exitCode: 3 },
  INPUT_UNREADABLE: { actor: 'user', retry: false, exitCode: 1 },
  RECORD_TOO_LARGE: { actor: 'user', retry: false, exitCode: 1 },
  LOG_UNAVAILABLE: { actor: 'operator', retry: true, exitCode: 4 },
  LOG_CORRUPT: { actor: 'operator', retry: false, exitCode: 4 },
  TOPIC_NOT_FOUND: { actor: 'user', retry: false, exitCode: 4 },
  STORAGE_FULL: { actor: 'operator', retry: true, exitCode: 1 },
  DATA_LOSS: { actor: 'operator', retry: false, exitCode: 5 },
  TOPIC_RECREATED: { actor: 'operator', retry: false, exitCode: 5 },
  CHECKPOINT_NOT_FOUND: { actor: 'user', retry: false, exitCode: 5 },
  CHECKPOINT_LOCKED: { actor: 'user', retry: true, exitCode: 5 },
  CHECKPOINT_UNAVAILABLE: { actor: 'operator', retry: true, exitCode: 5 },
  CHECKPOINT_FENCED: { actor: 'operator', retry: false, exitCode: 5 },
  WRITER_FENCED: { actor: 'operator', retry: false, exitCode: 5 },
  CHECKPOINT_CORRUPT: { actor: 'operator', retry: false, exitCode: 5 },
  CHECKPOINT_QUERY_CHANGED: { actor: 'user', retry: false, exitCode: 5 },
  CHECKPOINT_VERSION: { actor: 'user', retry: false, exitCode: 5 },
  CLOCK_SKEW: { actor: 'operator', retry: false, exitCode: 1 },
  DEAD_LETTERS_FULL: { actor: 'operator', retry: false, exitCode: 1 },
  DEAD_LETTER_NOT_FOUND: { actor: 'user', retry: false, exitCode: 1 },
  STATE_TOO_LARGE: { actor: 'operator', retry: false, exitCode: 1 },
  SUM_OVERFLOW: { actor: 'operator', retry: false, exitCode: 1 },
  EXPRESSION_FAILED: { actor: 'user', retry: false, exitCode: 1 },
  SINK_FAILED: { actor: 'operator', retry: true, exitCode: 1 },
  DELIVERY_FAILED: { actor: 'operator', retry: true, exitCode: 4 },
} as const satisfies Record<string, ErrorRow>;

/** The codes of errors, which stay the same between versions: programs may decide by them. */
export type ErrorCode = keyof typeof TABLE;

/** The sentences of an error. */
export interface ErrorParts {
  /** What happened, in one sentence, with the name of the thing it happened to. */
  readonly what: string;
  /** Why it happened, where that is known and not obvious. */
  readonly why?: string;
  /** What the reader can do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** A failure with a row in the table. Its message reads: what, why, how to fix it. */
export class TallystreamError extends Error {
  readonly code: ErrorCode;
  readonly what: string;
  readonly why: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, parts: ErrorParts) {
    super([parts.what, parts.why, parts.hint].filter((part) => part !== undefined).join(' '), {
      cause: parts.cause,
    });
    this.name = 'TallystreamError';
    this.code = code;
    this.what = parts.what;
    this.why = parts.why;
    this.hint = parts.hint;
  }

  get actor(): Actor {
    return TABLE[this.code].actor;
  }

  get retry(): boolean {
    return TABLE[this.code].retry;
  }

  get exitCode(): number {
    return TABLE[this.code].exitCode;
  }
}

/** A fault that nobody can act on: the program's own assumptions do not hold, and the process must end. */
export class InvariantError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InvariantError';
  }
}

/** Throws an {@link InvariantError} where `condition` does not hold. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
