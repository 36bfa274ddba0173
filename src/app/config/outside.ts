import { closest } from '../../values/did-you-mean.ts';
import { ENVIRONMENT_PREFIX, KEYS, type ListedKey } from './key-list.ts';
import { didYouMean, nameStart, quoteName, type ConfigProblem } from '../../options/problems.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
/** Values of the command line's flags, by name without dashes; undefined where a flag was not given. */
export type Flags = Readonly<Record<string, string | undefined>>;

/** Names the configuration file. */
export const CONFIG_VARIABLE = `${ENVIRONMENT_PREFIX}CONFIG`;

/** What the launcher tells the process that it starts; no person's, and no setting. */
const INTERNAL_PREFIX = `${ENVIRONMENT_PREFIX}INTERNAL_`;

export interface OutsideSetting {
  readonly key: ListedKey;
  readonly text: string;
  readonly where: string;
}

/**
 * What the environment sets. An empty variable counts as not set, because a compose file or a CI job passes one on where
 * its own is missing. A variable with our prefix that is no key is a problem, since it would be ignored without a word.
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

/** What the command line sets. Flags of a command's own, which are no keys, are passed over. */
export function readFlags(flags: Flags): readonly OutsideSetting[] {
  return KEYS.flatMap((key) => {
    const text = key.flag === undefined ? undefined : flags[key.flag.name];
    return text === undefined ? [] : [{ key, text, where: `--${key.flag!.name}` }];
  });
}
