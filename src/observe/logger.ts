import type { Logger as Pino } from 'pino';
import { escapeForTerminal, escapeJsonLineForTerminal } from '../columns/format/escape.ts';
import type { Clock } from '../contracts/clock.ts';
import type { LogFields, Logger, LogLevel } from '../contracts/logger.ts';
import { createMask, type Mask } from './mask.ts';
import { createLineWriter, type LineWriter } from './stderr.ts';
import { systemClock } from './system-clock.ts';

const STDERR_FD = 2;

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `auto` is pretty on a terminal, and JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'pretty';
  /** Whether customer ids are masked; secrets always are. */
  readonly mask: boolean;
  /** Whether the lines go to a terminal: decides what `auto` means, and whether pretty lines have colours. */
  readonly isTerminal: boolean;
  /** Where the lines go; stderr if left out. */
  readonly writer?: LineWriter;
  readonly clock?: Clock;
}

/**
 * A logger on pino. Lines are JSON, one each (`level`, `time`, `pid`, `component`, the fields, `msg`), or for people.
 * pino (24 ms of import, measured on two cores) and pino-pretty (17 ms more) are loaded here and not before, so that a command which
 * logs nothing does not wait for them.
 */
export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const clock = options.clock ?? systemClock;
  const writer = options.writer ?? createLineWriter(STDERR_FD);
  const pretty = options.format === 'pretty' || (options.format === 'auto' && options.isTerminal);
  const render = pretty ? await prettyLines(options.isTerminal) : jsonLine;
  const { pino } = await import('pino');
  const log = pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line: string) => writer.write(render(line)) },
  );
  // Stacks are for the one who asked for every detail.
  const mask = createMask({ customerIds: options.mask, stacks: options.level === 'debug' });
  return wrap(log, mask);
}

function wrap(log: Pino, mask: Mask): Logger {
  const at = (level: LogLevel) => (fields: LogFields, message: string) => {
    if (log.isLevelEnabled(level)) log[level](mask.fields(fields), mask.text(message));
  };
  return {
    child: ({ component }) => wrap(log.child({ component }), mask),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
}

/** JSON that a terminal may show as well: `--log-format json` on one is someone looking at it. */
function jsonLine(line: string): string {
  return `${escapeJsonLineForTerminal(line.trimEnd())}\n`;
}

async function prettyLines(colorize: boolean): Promise<(line: string) => string> {
  const { prettyFactory } = (await import('pino-pretty')).default;
  const toPretty = prettyFactory({
    colorize,
    ignore: 'pid,component,operation',
    messageFormat: '{if component}{component}: {end}{msg}',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    errorLikeObjectKeys: [],
  });
  // Colours are added after the escaping, so that only ours reach the terminal.
  return (line) => toPretty(escapeStrings(JSON.parse(line)));
}

function escapeStrings(value: unknown): unknown {
  if (typeof value === 'string') return escapeForTerminal(value);
  if (Array.isArray(value)) return value.map(escapeStrings);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [escapeForTerminal(name), escapeStrings(inner)]),
  );
}
