/** What every command starts from: the configuration, the clock, and words for people on stderr. */
import { loadWithFallback, type ConfigFault } from '../config/fallback.ts';
import { loadConfig, type ConfigSources, type LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/keys.ts';
import type { Clock } from '../contracts/clock.ts';
import type { Logger } from '../contracts/logger.ts';
import { createLogger, startupFields, systemClock } from '../compose.ts';
import type { Signals } from './signals.ts';

/** The flags of all commands, by name without dashes, and the command's own. */
export interface CommandFlags {
  readonly [name: string]: string | boolean | undefined;
}

export interface Context {
  readonly loaded: LoadedConfig;
  readonly config: Config;
  /** What is wrong with the configuration; only the doctor is started then. */
  readonly configFault?: ConfigFault;
  readonly clock: Clock;
  readonly signals: Signals;
  /** Whether results are asked for as JSON. */
  readonly json: boolean;
  /** The value of a command's own flag. */
  flag(name: string): string | undefined;
  isSet(name: string): boolean;
}

/** Makes the context of one run of a command. */
export type CreateContext = (flags: CommandFlags, signals: Signals) => Promise<Context>;

/** @throws CONFIG_INVALID */
export const createContext: CreateContext = async (flags, signals) =>
  contextOf(flags, signals, { loaded: await loadConfig(sourcesOf(flags)) });

/** For the doctor, which is asked what is wrong: a configuration that cannot be used is `configFault`. */
export const createFaultyContext: CreateContext = async (flags, signals) => {
  const { loaded, fault } = await loadWithFallback(sourcesOf(flags));
  return contextOf(flags, signals, fault === undefined ? { loaded } : { loaded, configFault: fault });
};

function sourcesOf(flags: CommandFlags): ConfigSources {
  const texts = textsOf(flags);
  return { flags: texts, env: process.env, file: texts['config'], cwd: process.cwd() };
}

function textsOf(flags: CommandFlags): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(flags).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function contextOf(
  flags: CommandFlags,
  signals: Signals,
  { loaded, configFault }: Pick<Context, 'loaded' | 'configFault'>,
): Context {
  const texts = textsOf(flags);
  return {
    loaded,
    ...(configFault === undefined ? {} : { configFault }),
    config: loaded.config,
    clock: systemClock,
    signals,
    json: flags['json'] === true,
    flag: (name) => texts[name],
    isSet: (name) => flags[name] !== undefined && flags[name] !== false,
  };
}

/** The logger of a command that runs for long; its first line says where it runs. */
export async function createCommandLogger(context: Context, dataDir: string): Promise<Logger> {
  const logger = await createLogger(context.config, process.stderr.isTTY);
  logger.info(startupFields({ dataDir, configFile: context.loaded.file }), 'tallystream starts');
  return logger;
}
