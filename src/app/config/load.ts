import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readFileSettings, type FileContents } from './file.ts';
import { KAFKA_FLAG, readKafkaFlags } from './kafka-flag.ts';
import { KEYS, type ListedKey } from './key-list.ts';
import type { Origin, Setting } from './setting.ts';
import type { Config } from './keys.ts';
import { CONFIG_VARIABLE, readEnvironment, readFlags, type Environment, type Flags } from './outside.ts';
import { withResolvedPaths } from './paths.ts';
import { configInvalid, describeMismatch } from '../../options/problems.ts';

/** Read if it exists, and neither a flag nor the environment names a file. */
const DEFAULT_FILE = 'config/config.yaml';

/** The text of a file, or undefined if there is none. Throws if the file exists but cannot be read. */
export type ReadFile = (path: string) => string | undefined;

export interface ConfigSources {
  readonly flags: Flags;
  readonly env: Environment;
  /** The words after each `-X`, such as `kafka.acks=all`; they override the other flags. */
  readonly kafkaSettings?: readonly string[];
  /** The file that `--config` names. */
  readonly file?: string | undefined;
  /** Relative paths start here. */
  readonly cwd: string;
  readonly readFile?: ReadFile;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read, as it was named, or null. */
  readonly file: string | null;
  /** Every key, in the table's order. */
  readonly settings: readonly Setting[];
}

/** The value that one source gives to one key. */
interface Candidate extends Setting {
  /** For the message, if the text is not a valid value of this key. */
  readonly where: string;
}

/**
 * The configuration: a flag overrides the environment, which overrides the file, which overrides the default. All problems
 * in all of them are reported at once, even if something else overrides the value.
 * @throws CONFIG_INVALID
 */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const { file, contents } = await readConfigFile(sources);
  const environment = readEnvironment(sources.env);
  const kafka = readKafkaFlags(sources.kafkaSettings ?? []);
  const problems = [...contents.problems, ...environment.problems, ...kafka.problems];

  // In order of rising precedence: the last one that sets a key wins.
  const candidates: readonly Candidate[] = [
    ...KEYS.map((key) => ({
      key,
      text: key.defaultText,
      origin: { kind: 'default' as const },
      where: 'default',
    })),
    ...contents.settings.map(({ key, text, line, column, where }) => {
      return { key, text, origin: { kind: 'file' as const, file: file!, line, column }, where };
    }),
    ...environment.settings.map(({ key, text, where }) => {
      return { key, text, origin: { kind: 'environment' as const, name: key.environment }, where };
    }),
    ...readFlags(sources.flags).map(({ key, text, where }) => {
      return { key, text, origin: { kind: 'flag' as const, name: key.flag!.name }, where };
    }),
    ...kafka.settings.map(({ key, text, where, name }) => {
      const origin = { kind: 'flag' as const, name: KAFKA_FLAG.slice(1), setting: name };
      return { key, text, origin, where };
    }),
  ];

  const winners = new Map<string, { setting: Setting; value: unknown }>();
  for (const { key, text: written, origin, where } of candidates) {
    const text = written.trim();
    const parsed = key.type.parse(text);
    if (parsed.kind === 'value')
      winners.set(key.path, { setting: { key, text, origin }, value: parsed.value });
    else problems.push({ where, what: describeMismatch(key, text, parsed, isNearSecrets(key, origin)) });
  }
  if (problems.length > 0) throw configInvalid(problems);

  const config = withResolvedPaths(
    assemble((key) => winners.get(key.path)!.value),
    sources.cwd,
  );
  const settings = KEYS.map((key) => withShownPath(winners.get(key.path)!.setting, config));
  return { config, file, settings };
}

/** `-X` may contain a password, no matter which key it sets. */
function isNearSecrets(key: ListedKey, origin: Origin): boolean {
  return key.section === 'kafka' || (origin.kind === 'flag' && origin.setting !== undefined);
}

/** The object that the table's property names describe; its type is derived from the same table. */
function assemble(valueOf: (key: ListedKey) => unknown): Config {
  const config: Record<string, unknown> = {};
  for (const key of KEYS) {
    const [first, second] = key.property;
    if (second === undefined) config[first] = valueOf(key);
    else ((config[first] ??= {}) as Record<string, unknown>)[second] = valueOf(key);
  }
  return config as unknown as Config;
}

function withShownPath(setting: Setting, config: Config): Setting {
  if (setting.key.path === 'data_dir') return { ...setting, text: config.dataDir };
  if (setting.key.path === 'query.checkpoint_location')
    return { ...setting, text: config.query.checkpointLocation };
  return setting;
}

async function readConfigFile(
  sources: ConfigSources,
): Promise<{ file: string | null; contents: FileContents }> {
  const fromEnvironment = sources.env[CONFIG_VARIABLE];
  const named = sources.file ?? (fromEnvironment === '' ? undefined : fromEnvironment);
  const file = named ?? DEFAULT_FILE;
  const problem = (what: string) => ({ file, contents: { settings: [], problems: [{ where: file, what }] } });
  let text;
  try {
    text = (sources.readFile ?? readUtf8)(resolve(sources.cwd, file));
  } catch (error) {
    return problem(
      `The file cannot be read: ${error instanceof Error ? error.message : 'the reason is unknown'}.`,
    );
  }
  if (text !== undefined) return { file, contents: await readFileSettings(text, file) };
  if (named === undefined) return { file: null, contents: { settings: [], problems: [] } };
  return problem(
    `There is no such file. ${sources.file === undefined ? CONFIG_VARIABLE : '--config'} names it.`,
  );
}

function readUtf8(path: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
