/** The configuration for a command that has something to say also where it is wrong. */
import { TallystreamError } from '../errors.ts';
import { loadConfig, type ConfigSources, type LoadedConfig } from './load.ts';
import { CONFIG_VARIABLE } from './outside.ts';

export interface ConfigFault {
  /** CONFIG_INVALID. */
  readonly error: TallystreamError;
  /** What had to be left out, to stand in a sentence: `the configuration file`. */
  readonly leftOut: string;
}

/**
 * The configuration; where it is wrong, what is valid of it, with the fault: without its file, else without the
 * environment, else without the flags, else the defaults.
 */
export async function loadWithFallback(
  sources: ConfigSources,
): Promise<{ readonly loaded: LoadedConfig; readonly fault?: ConfigFault }> {
  try {
    return { loaded: await loadConfig(sources) };
  } catch (error) {
    if (!isInvalid(error)) throw error;
    for (const { leftOut, rest } of withoutOnePart(sources)) {
      try {
        return { loaded: await loadConfig(rest), fault: { error, leftOut } };
      } catch (problem) {
        if (!isInvalid(problem)) throw problem;
      }
    }
    const loaded = await loadConfig(withoutFile({ ...sources, flags: {}, env: {} }));
    return { loaded, fault: { error, leftOut: 'all of it, with the defaults' } };
  }
}

function withoutOnePart(sources: ConfigSources): { leftOut: string; rest: ConfigSources }[] {
  return [
    { leftOut: 'the configuration file', rest: withoutFile(sources) },
    { leftOut: 'the environment variables', rest: { ...sources, env: onlyFileName(sources.env) } },
    { leftOut: 'the flags', rest: { ...sources, flags: {} } },
  ];
}

function withoutFile({ flags, env, cwd }: ConfigSources): ConfigSources {
  return { flags, env: { ...env, [CONFIG_VARIABLE]: undefined }, cwd, readFile: () => undefined };
}

/** The variable that names the file belongs to the file. */
function onlyFileName(env: ConfigSources['env']): ConfigSources['env'] {
  return { [CONFIG_VARIABLE]: env[CONFIG_VARIABLE] };
}

function isInvalid(error: unknown): error is TallystreamError {
  return error instanceof TallystreamError && error.code === 'CONFIG_INVALID';
}
