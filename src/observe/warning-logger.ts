/** The logger of a program that brings none: warnings and errors as plain lines on stderr, and nothing else. */
import { escapeForTerminal } from '../columns/format/escape.ts';
import type { Clock } from '../contracts/clock.ts';
import type { LogFields, Logger } from '../contracts/logger.ts';
import { createMask } from './mask.ts';
import { createLineWriter, type LineWriter } from './stderr.ts';
import { systemClock } from './system-clock.ts';

const STDERR_FD = 2;

export function createWarningLogger(
  writer: LineWriter = createLineWriter(STDERR_FD),
  clock: Clock = systemClock,
): Logger {
  const mask = createMask({ customerIds: true, stacks: false });
  const of = (component: string): Logger => {
    const at = (level: 'WARN' | 'ERROR') => (fields: LogFields, message: string) => {
      const time = new Date(clock.nowMs()).toISOString();
      const { operation: _operation, ...shown } = mask.fields(fields);
      const rest = Object.keys(shown).length === 0 ? '' : ` ${JSON.stringify(shown)}`;
      const line = `${time} ${level} tallystream ${component}${mask.text(message)}${rest}`;
      writer.write(`${escapeForTerminal(line)}\n`);
    };
    const nothing = (): void => {};
    return {
      child: (bindings) => of(`${bindings.component}: `),
      debug: nothing,
      info: nothing,
      warn: at('WARN'),
      error: at('ERROR'),
    };
  };
  return of('');
}
