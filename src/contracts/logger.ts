/** What the system says about itself while it runs, as lines with fields. No part but `observe` knows which library writes them. */

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** The fields of one line: plain data, and errors. Secrets and customer ids are masked by name, at any depth. */
export interface LogFields {
  /** The operation, as a short fixed name (`commit`, `open-log`) by which lines are found and counted. */
  readonly operation: string;
  readonly batchId?: number;
  readonly durationMs?: number;
  readonly error?: unknown;
  readonly [field: string]: unknown;
}

/**
 * Called by every part of the system. No call throws or rejects, for any fields and any destination. A line is written
 * when the call returns. The message is a fixed sentence: values that vary belong in the fields.
 */
export interface Logger {
  /** A logger whose lines carry the name of the part that writes them. */
  child(bindings: { readonly component: string }): Logger;
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}
