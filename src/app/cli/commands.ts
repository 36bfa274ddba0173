/** Every command: its words, its options, and the module that does its work, which is loaded when the command runs. */
import { InvalidArgumentError } from 'commander';
import type { Context, CreateContext } from './context.ts';

/** A command's work: resolves to the exit code. */
export type Work = (context: Context, words: readonly string[]) => Promise<number>;

/** Flags, what they do, and how their value is read; without `read` it stays as it was typed. */
export interface CommandOption {
  readonly flags: string;
  readonly does: string;
  readonly read?: (text: string) => string;
}

export interface CommandEntry {
  /** The words after `tallystream`, with arguments in Commander's notation: `topic tail [topic]`. */
  readonly usage: string;
  readonly does: string;
  readonly options?: readonly CommandOption[];
  readonly load: () => Promise<Work>;
  /** In place of the context that ends the command if the configuration is wrong. */
  readonly loadCreate?: () => Promise<CreateContext>;
}

/** What the first word of several commands is about. */
export const GROUPS: Readonly<Record<string, string>> = {
  'dead-letters': 'events that were not accepted: why, where, and their bytes',
  topic: 'the topics of the log and their records',
  checkpoint: "the query's checkpoint: what it holds, whether it is sound, and what it has lost",
  config: 'the configuration',
};

function wholeNumber(text: string): string {
  if (!/^[0-9]{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return text;
}

const EVENTS_OF_A_PRODUCER: readonly CommandOption[] = [
  { flags: '--events <N>', does: 'stop after N events', read: wholeNumber },
  { flags: '--rate <R|max>', does: 'events per second' },
  { flags: '--seed <S>', does: 'the same seed makes the same events, except for their times' },
  { flags: '--start-time <T>', does: 'event time starts at T, such as 2025-06-26 or RFC 3339' },
  {
    flags: '--time-scale <X>',
    does: 'event time runs X times faster from --start-time, until it reaches the present',
  },
];
const DRY_RUN: CommandOption = { flags: '--dry-run', does: 'show what would be done, without doing it' };

/** In the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    usage: 'demo',
    does: 'produce events and run the query on them, without a server, in <data-dir>/demo',
    options: EVENTS_OF_A_PRODUCER,
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    usage: 'produce',
    does: 'write purchase events to the log',
    options: [
      ...EVENTS_OF_A_PRODUCER,
      {
        flags: '--from <FILE|->',
        does: 'send the lines of FILE (or of stdin) unchanged; unlimited unless --rate is set',
      },
      {
        flags: '--resume <NAME>',
        does: 'with --from: continue after the last line that was acknowledged under this name',
      },
      {
        flags: '--resend-lost',
        does: 'with --resume: send acknowledged lines again that the log has lost',
      },
    ],
    load: async () => (await import('./produce.ts')).produce,
  },
  {
    usage: 'run',
    does: 'run the query on the log and report every batch',
    options: [
      { flags: '--available-now', does: 'stop when everything that is in the log now is committed' },
      { flags: '--max-batches <N>', does: 'stop after N batches', read: wholeNumber },
      { flags: '--take-over', does: 'take over from a suspended runner; its later commits are rejected' },
    ],
    load: async () => (await import('./run.ts')).run,
  },
  {
    usage: 'totals',
    does: 'show what the checkpoint holds now',
    load: async () => (await import('./totals.ts')).totals,
  },
  {
    usage: 'dead-letters list',
    does: 'list them, oldest first',
    options: [
      {
        flags: '--reason <REASON>',
        does: 'only those with this reason (DUPLICATE lists the positions of duplicates)',
      },
      { flags: '--partition <N>', does: 'only those of this partition', read: wholeNumber },
      { flags: '--limit <N>', does: 'at most N', read: wholeNumber },
    ],
    load: async () => (await import('./dead-letters.ts')).list,
  },
  {
    usage: 'dead-letters show <partition:offset>',
    does: 'show one in full',
    options: [{ flags: '--raw', does: 'write only the original bytes' }],
    load: async () => (await import('./dead-letters.ts')).show,
  },
  {
    usage: 'dead-letters redrive [partition:offset...]',
    does: 'append their original bytes to the topic again; all of them if you name none',
    options: [
      { flags: '--reason <REASON>', does: 'only those with this reason' },
      DRY_RUN,
      {
        flags: '--accept-late',
        does: 'let late events be accepted; duplicates beyond the horizon cannot be excluded',
      },
    ],
    load: async () => (await import('./redrive.ts')).redrive,
  },
  {
    usage: 'topic list',
    does: 'list them',
    load: async () => (await import('./topic/list.ts')).list,
  },
  {
    usage: 'topic describe [topic]',
    does: 'show the offsets of its partitions',
    load: async () => (await import('./topic/list.ts')).describe,
  },
  {
    usage: 'topic tail [topic]',
    does: 'show its last records, or those from an offset on',
    options: [
      { flags: '--partition <N>', does: 'only those of this partition', read: wholeNumber },
      {
        flags: '--offset <N>',
        does: 'with --partition: the first records from this offset on',
        read: wholeNumber,
      },
      { flags: '--limit <N>', does: 'at most N (default: 10, up to 1000)', read: wholeNumber },
    ],
    load: async () => (await import('./topic/tail.ts')).tail,
  },
  {
    usage: 'checkpoint show',
    does: 'show what it holds and how far it is',
    load: async () => (await import('./checkpoint/checkpoint.ts')).show,
  },
  {
    usage: 'checkpoint verify',
    does: 'check every page, row and sum; exit code 5 if anything is wrong',
    load: async () => (await import('./checkpoint/checkpoint.ts')).verify,
  },
  {
    usage: 'checkpoint lower-watermark',
    does: 'after a clock was ahead: lower the newest accepted times, so that present events are accepted again',
    options: [
      { flags: '--to <T>', does: 'the newest accepted time from now on: now, 2025-06-26 or RFC 3339' },
      DRY_RUN,
    ],
    load: async () => (await import('./checkpoint/lower-watermark.ts')).lower,
  },
  {
    usage: 'checkpoint accept-loss [partition:start-end...]',
    does: 'list the records that DATA_LOSS names; name their ranges to continue without them',
    options: [{ flags: '--all', does: 'accept every range that is listed' }],
    load: async () => (await import('./checkpoint/accept-loss.ts')).acceptLoss,
  },
  {
    usage: 'doctor',
    does: 'check what is there, what is missing, and how to fix it',
    load: async () => (await import('./doctor.ts')).doctor,
    loadCreate: async () => (await import('./context.ts')).createFaultyContext,
  },
  {
    usage: 'config show',
    does: 'show every value and where it came from',
    load: async () => (await import('./config-show.ts')).configShow,
  },
  {
    usage: 'bench',
    does: 'measure this machine on the embedded log; leaves nothing behind',
    options: [
      { flags: '--events <N>', does: 'events per run (default: 500000)', read: wholeNumber },
      { flags: '--runs <N>', does: 'runs after a warm-up (default: 3)', read: wholeNumber },
    ],
    load: async () => (await import('./bench.ts')).bench,
  },
];

/** Options of every command. `-X` can be repeated. */
export const COMMON_OPTIONS: readonly CommandOption[] = [
  { flags: '--config <FILE>', does: 'configuration file (default: config/config.yaml, if it exists)' },
  { flags: '--data-dir <DIR>', does: 'folder of the embedded log and the checkpoints (default: data)' },
  { flags: '--log <embedded|kafka>', does: 'log to use' },
  { flags: '--bootstrap-servers <HOST:PORT,…>', does: 'brokers to ask first' },
  { flags: '--topic <NAME>', does: 'topic to use' },
  { flags: '--ui-port <N|off>', does: 'port of the live page' },
  { flags: '--json', does: 'write results as JSON' },
  { flags: '--log-level <LEVEL>', does: 'debug, info, warn or error' },
];
export const KAFKA_OPTION: CommandOption = {
  flags: '-X <kafka.NAME=VALUE>',
  does: "set a Kafka client setting by Kafka's own name, such as kafka.linger.ms=50; can be repeated",
};
