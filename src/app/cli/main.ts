/** The command line: which commands there are, and how they end. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { CommandFlags, Context, CreateContext } from './context.ts';
import { installSignals, type Signals } from './signals.ts';
import { describeUsageFault } from './usage.ts';

const EXIT_USAGE = 2;

/** A command's work: resolves to the exit code. */
type Work = (context: Context, words: readonly string[]) => Promise<number>;

/** Runs one command and gives its exit code; never rejects. */
export async function main(argv: readonly string[]): Promise<number> {
  const signals = installSignals();
  let exitCode = 0;
  let help = '';
  const program = createProgram(
    signals,
    (code) => (exitCode = code),
    (text) => (help += text),
  );
  try {
    await program.parseAsync(argv, { from: 'user' }).catch(async (error: unknown) => {
      if (!(error instanceof CommanderError)) throw error;
      exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
      if (help !== '') await (await (await import('./output.ts')).createOutput())(help);
    });
    return exitCode;
  } catch (error) {
    const { reportFailure } = await import('./failure.ts');
    return reportFailure(error, process.stderr, wantsStack(argv));
  }
}

function createProgram(
  signals: Signals,
  end: (exitCode: number) => void,
  showHelp: (text: string) => void,
): Command {
  const program = new Command('tallystream')
    .description('Purchase events in, totals that are right to the cent out.')
    .version(versionOf())
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError('(tallystream --help shows the commands)')
    // Help is written like any result, which ends quietly where nobody reads it.
    .configureOutput({
      writeOut: showHelp,
      outputError: (text, write) => write(`tallystream: ${describeUsageFault(text)}`),
    });
  const command = (
    parent: Command,
    usage: string,
    description: string,
    load: () => Promise<Work>,
    loadCreate: () => Promise<CreateContext> = async () => (await import('./context.ts')).createContext,
  ): Command => {
    const made = withCommonFlags(parent.command(usage).description(description));
    return made.action(async (...args: unknown[]) => {
      const words = args
        .slice(0, -2)
        .flat()
        .filter((word): word is string => typeof word === 'string');
      const create = await loadCreate();
      const context = await create(flagsOf(made), signals);
      end(await (await load())(context, words));
    });
  };

  withProducerFlags(
    command(
      program,
      'demo',
      'produce events and run the query on them, with no server, in <data-dir>/demo',
      async () => (await import('./demo.ts')).demo,
    ),
  );
  withProducerFlags(
    command(
      program,
      'produce',
      'write purchase events to the log',
      async () => (await import('./produce.ts')).produce,
    ),
  )
    .option(
      '--from <FILE|->',
      'carry the lines of a file (or of standard input) byte for byte, as fast as the log takes them unless --rate is given',
    )
    .option('--resume <NAME>', 'with --from: go on after the last line that was acknowledged under this name')
    .option(
      '--resend-lost',
      'with --resume: send acknowledged lines again that are no longer in the log, since it has gone back',
    );
  command(
    program,
    'run',
    'run the query on the log and report every batch',
    async () => (await import('./run.ts')).run,
  )
    .option('--available-now', 'end when everything that is in the log now is committed')
    .option('--max-batches <N>', 'end after this many batches', wholeNumber)
    .option(
      '--take-over',
      'go on in place of a runner that is stopped and not dead; it is refused when it wakes',
    );
  command(
    program,
    'totals',
    'show what the checkpoint holds now',
    async () => (await import('./totals.ts')).totals,
  );
  addDeadLetters(program, command);
  addTopic(program, command);
  addCheckpoint(program, command);
  command(
    program,
    'doctor',
    'check what is there and what is missing, and how to mend it',
    async () => (await import('./doctor.ts')).doctor,
    async () => (await import('./context.ts')).createFaultyContext,
  );
  const config = program.command('config').description('the configuration').helpCommand(false);
  command(
    config,
    'show',
    'show every value and where it came from',
    async () => (await import('./config-show.ts')).configShow,
  );
  command(
    program,
    'bench',
    'measure the figures of this machine on the embedded log, and leave nothing behind',
    async () => (await import('./bench.ts')).bench,
  )
    .option('--events <N>', 'events of a run (default: 500000)', wholeNumber)
    .option('--runs <N>', 'runs, after one that is not counted (default: 3)', wholeNumber);
  return program;
}

function addDeadLetters(
  program: Command,
  command: (parent: Command, usage: string, description: string, load: () => Promise<Work>) => Command,
): void {
  const letters = program
    .command('dead-letters')
    .description('events that were not accepted: why, where, and their bytes')
    .helpCommand(false);
  command(letters, 'list', 'list them, oldest first', async () => (await import('./dead-letters.ts')).list)
    .option('--reason <REASON>', 'only those with this reason (DUPLICATE lists positions of duplicates)')
    .option('--partition <N>', 'only those of this partition', wholeNumber)
    .option('--limit <N>', 'at most this many', wholeNumber);
  command(
    letters,
    'show <partition:offset>',
    'show one in full',
    async () => (await import('./dead-letters.ts')).show,
  ).option('--raw', 'write the original bytes and nothing else');
  command(
    letters,
    'redrive [partition:offset...]',
    'append their original bytes to the topic again; all of them where none is named',
    async () => (await import('./redrive.ts')).redrive,
  )
    .option('--reason <REASON>', 'only those with this reason')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option(
      '--accept-late',
      'redrive late events so that they are accepted; duplicates beyond the horizon cannot be excluded',
    );
}

function addTopic(
  program: Command,
  command: (parent: Command, usage: string, description: string, load: () => Promise<Work>) => Command,
): void {
  const topic = program
    .command('topic')
    .description('the topics of the log, and what is in them')
    .helpCommand(false);
  command(topic, 'list', 'list them', async () => (await import('./topic/list.ts')).list);
  command(
    topic,
    'describe [topic]',
    'show the offsets of its partitions',
    async () => (await import('./topic/list.ts')).describe,
  );
  command(
    topic,
    'tail [topic]',
    'show its last records, or those from an offset on',
    async () => (await import('./topic/tail.ts')).tail,
  )
    .option('--partition <N>', 'only those of this partition', wholeNumber)
    .option('--offset <N>', 'with --partition: the first ones from this offset on', wholeNumber)
    .option('--limit <N>', 'at most this many (default: 10, no more than 1000)', wholeNumber);
}

function addCheckpoint(
  program: Command,
  command: (parent: Command, usage: string, description: string, load: () => Promise<Work>) => Command,
): void {
  const checkpoint = program
    .command('checkpoint')
    .description("the query's checkpoint: what it holds, whether it is sound, and what it has lost")
    .helpCommand(false);
  command(
    checkpoint,
    'show',
    'show what it holds and how far it is',
    async () => (await import('./checkpoint/checkpoint.ts')).show,
  );
  command(
    checkpoint,
    'verify',
    'check it from page to accounting; exit code 5 where anything is found',
    async () => (await import('./checkpoint/checkpoint.ts')).verify,
  );
  command(
    checkpoint,
    'lower-watermark',
    'after a clock was ahead: lower the newest accepted times, so that events of the present are accepted again',
    async () => (await import('./checkpoint/lower-watermark.ts')).lower,
  )
    .option('--to <T>', 'the newest accepted time from now on, as now, 2025-06-26 or RFC 3339')
    .option('--dry-run', 'say what would be done, and do nothing');
  command(
    checkpoint,
    'accept-loss [partition:start-end...]',
    'list the records that DATA_LOSS names; name their ranges to go on without them',
    async () => (await import('./checkpoint/accept-loss.ts')).acceptLoss,
  ).option('--all', 'accept every range that is listed');
}

function withCommonFlags(command: Command): Command {
  return command
    .option('--config <FILE>', 'configuration file (default: config/config.yaml, where there is one)')
    .option('--data-dir <DIR>', 'folder of the embedded log and the checkpoints (default: data)')
    .option('--log <embedded|kafka>', 'where events are kept')
    .option('--bootstrap-servers <HOST:PORT,…>', 'the brokers to ask first')
    .option('--topic <NAME>', 'the topic')
    .option(
      '-X <kafka.NAME=VALUE>',
      "a setting by Kafka's own name, such as kafka.linger.ms=50; can be repeated",
      (word: string, before: readonly string[] | undefined) => [...(before ?? []), word],
    )
    .option('--ui-port <N|off>', 'port of the live page')
    .option('--json', 'results as JSON')
    .option('--log-level <LEVEL>', 'debug, info, warn or error');
}

function withProducerFlags(command: Command): Command {
  return command
    .option('--events <N>', 'end after this many events', wholeNumber)
    .option('--rate <R|max>', 'events a second')
    .option('--seed <S>', 'the same seed makes the same events, but for the time')
    .option('--start-time <T>', 'event time starts here, as 2025-06-26 or RFC 3339')
    .option(
      '--time-scale <X>',
      'event time runs X times faster from --start-time, until it reaches the present',
    );
}

/** The option values under the names that they have on the command line. */
function flagsOf(command: Command): CommandFlags {
  const values = command.opts<Record<string, CommandFlags[string]>>();
  return Object.fromEntries(command.options.map((option) => [option.name(), values[option.attributeName()]]));
}

/** Both src/cli and dist/cli lie two folders below the package's manifest. */
function versionOf(): string {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

function wholeNumber(text: string): string {
  if (!/^[0-9]{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return text;
}

function wantsStack(argv: readonly string[]): boolean {
  return argv.includes('--log-level=debug') || argv[argv.indexOf('--log-level') + 1] === 'debug';
}
