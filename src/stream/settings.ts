/** The options of a query, by Structured Streaming's names where it has them. */
import { TallystreamError } from '../errors.ts';
import { durationMs } from '../plan/window.ts';

export interface StreamSettings {
  readonly checkpointLocation: string | undefined;
  readonly timeZone: string;
  readonly idleTimeoutMs: number;
  /** How far the wall clock may jump, or be behind the newest records; null is no bound. */
  readonly clockSkewMaxMs: number | null;
  readonly maxOffsetsPerTrigger: number;
  /** Threads beside the main one for large batches; null: one less than there are cores, 4 at most. */
  readonly workers: number | null;
  /** Memory for groups and remembered ids; null: half of what Node's heap may grow to, 1 GiB at most. */
  readonly stateBytesMax: number | null;
  readonly valueBytesMax: number;
  readonly assumeTimeZone: string | null;
  readonly failOnDataLoss: boolean;
  /** Whether a runner that is stopped and not dead loses the checkpoint to this one. */
  readonly takeOver: boolean;
  readonly deadLetterBytesMax: number;
  readonly deadLettersWhenFull: 'stop' | 'positions';
}

const MEBI = 1024 * 1024;

const READERS: {
  readonly [Name in keyof Required<StreamSettings>]: (text: string | undefined) => StreamSettings[Name];
} = {
  checkpointLocation: (text) => text,
  timeZone: (text = 'UTC') => text,
  idleTimeoutMs: (text = '1 minute') => durationMs(text),
  clockSkewMaxMs: (text = '10 minutes') => (text === 'off' ? null : durationMs(text)),
  maxOffsetsPerTrigger: (text = '500000') => whole('maxOffsetsPerTrigger', text, 1),
  workers: (text = 'auto') => (text === 'auto' ? null : whole('workers', text, 0)),
  stateBytesMax: (text = 'auto') => (text === 'auto' ? null : whole('stateBytesMax', text, 1)),
  valueBytesMax: (text = String(MEBI)) => whole('valueBytesMax', text, 1),
  assumeTimeZone: (text) => text ?? null,
  failOnDataLoss: (text = 'true') => truth('failOnDataLoss', text),
  takeOver: (text = 'false') => truth('takeOver', text),
  deadLetterBytesMax: (text = String(1024 * MEBI)) => whole('deadLetterBytesMax', text, 0),
  deadLettersWhenFull: (text = 'stop') => {
    if (text === 'stop' || text === 'positions') return text;
    throw wrong('deadLettersWhenFull', text, 'stop or positions');
  },
};

/** What an option is called, where that is not the name of the setting. */
const OPTION_OF: Readonly<Record<string, string>> = {
  idleTimeoutMs: 'idleTimeout',
  clockSkewMaxMs: 'clockSkewMax',
};

/** @throws USAGE for an option that there is not, or a value that it cannot have */
export function readSettings(options: Readonly<Record<string, string>>): StreamSettings {
  const names = Object.keys(READERS);
  const known = names.map((name) => OPTION_OF[name] ?? name);
  const unknown = Object.keys(options).find((option) => !known.includes(option));
  if (unknown !== undefined) {
    throw new TallystreamError('USAGE', {
      what: `There is no option ${JSON.stringify(unknown)} of a query.`,
      mend: `The options are ${known.join(', ')}.`,
    });
  }
  return Object.fromEntries(
    Object.entries(READERS).map(([name, read]) => [name, read(options[OPTION_OF[name] ?? name])]),
  ) as unknown as StreamSettings;
}

function whole(option: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw wrong(option, text, `a whole number from ${least}`);
}

function truth(option: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw wrong(option, text, 'true or false');
}

function wrong(option: string, text: string, takes: string): TallystreamError {
  return new TallystreamError('USAGE', {
    what: `The option ${option} cannot be ${JSON.stringify(text)}.`,
    mend: `It takes ${takes}.`,
  });
}
