import type { Logger } from '../contracts/logger.ts';

const nothing = (): void => {};

/** A logger that says nothing, for tests and for a library's user who asked for none. */
export const silentLogger: Logger = {
  child: () => silentLogger,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};
