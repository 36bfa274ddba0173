/** The configuration for a command that must run even if the configuration is invalid. */
import { TallystreamError } from '../../errors.ts';
import { kafkaFlagPlace } from './kafka-flag.ts';
import { ENVIRONMENT_PREFIX } from './key-list.ts';
import { loadConfig, type ConfigSources, type LoadedConfig } from './load.ts';
import { CONFIG_VARIABLE } from './outside.ts';
import { nameStart } from '../../options/problems.ts';

export interface ConfigFault {
  /** CONFIG_INVALID. */
  readonly error: TallystreamError;
  /** The invalid sources that were left out: flags, variables, `the configuration file`. */
  readonly leftOut: readonly string[];
}

/** The configuration. If parts are invalid, the valid rest and the fault. A file counts as a whole or not at all. */
export async function loadWithFallback(
  sources: ConfigSources,
): Promise<{ readonly loaded: LoadedConfig; readonly fault?: ConfigFault }> {
  try {
    return { loaded: await loadConfig(sources) };
  } catch (error) {
    if (!isInvalid(error)) throw error;
    const { usable, leftOut } = await usablePart(sources);
    return { loaded: await loadConfig(usable), fault: { error, leftOut } };
  }
}

/** Tries every flag, every variable and the file alone. The valid ones then load together, since no key depends on another. */
async function usablePart(sources: ConfigSources): Promise<{ usable: ConfigSources; leftOut: string[] }> {
  const { cwd } = sources;
  const leftOut: string[] = [];
  const flags: Record<string, string | undefined> = {};
  for (const [name, text] of Object.entries(sources.flags)) {
    if (await isUsable(withoutFile({ flags: { [name]: text }, env: {}, cwd }))) flags[name] = text;
    else leftOut.push(`--${name}`);
  }
  const kafkaSettings: string[] = [];
  for (const word of sources.kafkaSettings ?? []) {
    if (await isUsable(withoutFile({ flags: {}, env: {}, kafkaSettings: [word], cwd })))
      kafkaSettings.push(word);
    else leftOut.push(kafkaFlagPlace(word));
  }
  const env: Record<string, string | undefined> = {};
  for (const [name, text] of Object.entries(sources.env)) {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || name === CONFIG_VARIABLE) continue;
    if (await isUsable(withoutFile({ flags: {}, env: { [name]: text }, cwd }))) env[name] = text;
    else leftOut.push(nameStart(name));
  }
  const fileName = { [CONFIG_VARIABLE]: sources.env[CONFIG_VARIABLE] };
  if (await isUsable({ ...sources, flags: {}, kafkaSettings: [], env: fileName })) {
    return { usable: { ...sources, flags, kafkaSettings, env: { ...env, ...fileName } }, leftOut };
  }
  const usable = withoutFile({ flags, kafkaSettings, env, cwd });
  return { usable, leftOut: [...leftOut, 'the configuration file'] };
}

function withoutFile(sources: Pick<ConfigSources, 'flags' | 'kafkaSettings' | 'env' | 'cwd'>): ConfigSources {
  return { ...sources, readFile: () => undefined };
}

async function isUsable(sources: ConfigSources): Promise<boolean> {
  try {
    await loadConfig(sources);
    return true;
  } catch (error) {
    if (isInvalid(error)) return false;
    throw error;
  }
}

function isInvalid(error: unknown): error is TallystreamError {
  return error instanceof TallystreamError && error.code === 'CONFIG_INVALID';
}
