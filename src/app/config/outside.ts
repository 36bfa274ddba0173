import { closest } from '../../values/did-you-mean.ts';
import { ENVIRONMENT_PREFIX, KEYS, type ListedKey } from './key-list.ts';
import { didYouMean, nameStart, quoteName, type ConfigProblem } from '../../options/problems.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
/** Values of the command line's flags, by name without dashes; undefined if a flag was not given. */
export type Flags = Readonly<Record<string, string | undefined>>;

/** Names the configuration file. */
export const CONFIG_VARIABLE = `${ENVIRONMENT_PREFIX}CONFIG`;

/** Set by the launcher for the process that it starts. Not a setting for users. */
const INTERNAL_PREFIX = `${ENVIRONMENT_PREFIX}INTERNAL_`;

export interface OutsideSetting {
  readonly key: ListedKey;
  readonly text: string;
  readonly where: string;
}

/**
 * The settings of the environment. An empty variable counts as not set, because compose files and CI jobs pass on an empty
 * one if their own is missing. A variable with our prefix that is not a key is a problem: otherwise it would be silently
 * ignored.
 */
export function readEnvironment(env: Environment): { settings: OutsideSetting[]; problems: ConfigProblem[] } {
  const settings: OutsideSetting[] = [];
  const problems: ConfigProblem[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || name.startsWith(INTERNAL_PREFIX) || name === CONFIG_VARIABLE)
      continue;
    const key = KEYS.find((each) => each.environment === name);
    if (key === undefined) {
      const names = [CONFIG_VARIABLE, ...KEYS.map((each) => each.environment)];
      const suggestion = closest(nameStart(name), names);
      const what = `There is no setting ${quoteName(name, suggestion)}.${didYouMean(suggestion)}`;
      problems.push({ where: 'environment', what });
    } else if (text !== undefined && text !== '') {
      settings.push({ key, text, where: `environment ${name}` });
    }
  }
  return { settings, problems };
}

/** The settings of the command line. Flags of one command, which are not keys, are skipped. */
export function readFlags(flags: Flags): readonly OutsideSetting[] {
  return KEYS.flatMap((key) => {
    const text = key.flag === undefined ? undefined : flags[key.flag.name];
    return text === undefined ? [] : [{ key, text, where: `--${key.flag!.name}` }];
  });
}
