/** What every command starts with: the configuration, the clock, and messages for people on stderr. */
import { loadWithFallback, type ConfigFault } from '../config/fallback.ts';
import { secretsOnCommandLine } from '../config/kafka-flag.ts';
import { loadConfig, type ConfigSources, type LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/keys.ts';
import type { Clock } from '../../contracts/clock.ts';
import type { Logger } from '../../contracts/logger.ts';
import { createLogger, startupFields, systemClock } from '../compose.ts';
import type { Signals } from './signals.ts';

/** The flags of all commands, by name without dashes, and the command's own. */
export interface CommandFlags {
  /** A list where a flag can be repeated. */
  readonly [name: string]: string | boolean | readonly string[] | undefined;
}

export interface Context {
  readonly loaded: LoadedConfig;
  readonly config: Config;
  /** What is wrong with the configuration. If it is set, only the doctor runs. */
  readonly configFault?: ConfigFault;
  readonly clock: Clock;
  readonly signals: Signals;
  /** Whether to print results as JSON. */
  readonly json: boolean;
  /** The value of a flag of this command. */
  flag(name: string): string | undefined;
  isSet(name: string): boolean;
}

/** Makes the context of one run of a command. */
export type CreateContext = (flags: CommandFlags, signals: Signals) => Promise<Context>;

/** @throws CONFIG_INVALID */
export const createContext: CreateContext = async (flags, signals) => {
  const loaded = await loadConfig(sourcesOf(flags));
  for (const secret of secretsOnCommandLine(loaded.settings)) {
    process.stderr.write(`tallystream: ${describeVisibleSecret(secret)}\n`);
  }
  return contextOf(flags, signals, { loaded });
};

/** @param setting its name on the command line, such as `kafka.sasl.password` */
function describeVisibleSecret(setting: string): string {
  return `${setting} is on the command line, where other users of this machine can read it. Use kafka.sasl_password_file or TALLYSTREAM_KAFKA_SASL_PASSWORD instead.`;
}

/** For the doctor, which must run with an invalid configuration: `configFault` says what is wrong with it. */
export const createFaultyContext: CreateContext = async (flags, signals) => {
  const { loaded, fault } = await loadWithFallback(sourcesOf(flags));
  return contextOf(flags, signals, fault === undefined ? { loaded } : { loaded, configFault: fault });
};

function sourcesOf(flags: CommandFlags): ConfigSources {
  const texts = textsOf(flags);
  const repeated = flags['X'];
  return {
    flags: texts,
    kafkaSettings: Array.isArray(repeated) ? (repeated as readonly string[]) : [],
    env: process.env,
    file: texts['config'],
    cwd: process.cwd(),
  };
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

/** The logger of a long-running command; its first line says where it runs. */
export async function createCommandLogger(context: Context, dataDir: string): Promise<Logger> {
  const logger = await createLogger(context.config, process.stderr.isTTY);
  logger.info(startupFields({ dataDir, configFile: context.loaded.file }), 'tallystream starts');
  return logger;
}
