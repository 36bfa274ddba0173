/** A logger that keeps its warnings for a test to look at. */
import type { LogFields, Logger } from '../../src/contracts/logger.ts';

export interface Warning {
  readonly fields: LogFields;
  readonly message: string;
}

export function recordingLogger(): { readonly logger: Logger; readonly warnings: Warning[] } {
  const warnings: Warning[] = [];
  const logger: Logger = {
    child: () => logger,
    debug: () => undefined,
    info: () => undefined,
    warn: (fields, message) => void warnings.push({ fields, message }),
    error: () => undefined,
  };
  return { logger, warnings };
}
