/** The command line: which commands there are, and how they end. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { COMMANDS, COMMON_OPTIONS, GROUPS, KAFKA_OPTION, type CommandEntry } from './commands.ts';
import type { CommandFlags, CreateContext } from './context.ts';
import { installSignals, type Signals } from './signals.ts';
import { describeUsageFault } from './usage.ts';

const EXIT_USAGE = 2;

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
    // Help is written like any result, so it ends quietly if nobody reads it.
    .configureOutput({
      writeOut: showHelp,
      outputError: (text, write) => write(`tallystream: ${describeUsageFault(text)}`),
    });
  const groups = new Map<string, Command>();
  for (const entry of COMMANDS) {
    const [first = '', ...rest] = entry.usage.split(' ');
    const about = GROUPS[first];
    if (about === undefined) {
      addCommand(program, entry.usage, entry, { signals, end });
      continue;
    }
    const group = groups.get(first) ?? program.command(first).description(about).helpCommand(false);
    groups.set(first, group);
    addCommand(group, rest.join(' '), entry, { signals, end });
  }
  return program;
}

/** Its own options come first in the help. */
function addCommand(
  parent: Command,
  usage: string,
  entry: CommandEntry,
  { signals, end }: { readonly signals: Signals; readonly end: (exitCode: number) => void },
): void {
  const command = parent.command(usage).description(entry.does);
  for (const { flags, does, read } of entry.options ?? []) {
    if (read === undefined) command.option(flags, does);
    else command.option(flags, does, read);
  }
  command.optionsGroup('Common options:');
  for (const { flags, does } of COMMON_OPTIONS) command.option(flags, does);
  command.option(
    KAFKA_OPTION.flags,
    KAFKA_OPTION.does,
    (word: string, before: readonly string[] | undefined) => [...(before ?? []), word],
  );
  command.action(async (...args: unknown[]) => {
    const words = args
      .slice(0, -2)
      .flat()
      .filter((word): word is string => typeof word === 'string');
    const create = await (entry.loadCreate?.() ?? loadCreateContext());
    const context = await create(flagsOf(command), signals);
    end(await (await entry.load())(context, words));
  });
}

async function loadCreateContext(): Promise<CreateContext> {
  return (await import('./context.ts')).createContext;
}

/** The option values under the names that they have on the command line. */
function flagsOf(command: Command): CommandFlags {
  const values = command.opts<Record<string, CommandFlags[string]>>();
  return Object.fromEntries(command.options.map((option) => [option.name(), values[option.attributeName()]]));
}

/** src/app/cli and dist/app/cli are both three folders below the package's manifest. */
function versionOf(): string {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

function wantsStack(argv: readonly string[]): boolean {
  return argv.includes('--log-level=debug') || argv[argv.indexOf('--log-level') + 1] === 'debug';
}
