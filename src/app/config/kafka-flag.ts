/** The flag `-X kafka.NAME=VALUE`: Kafka settings under Kafka's own names. */
import { invariant } from '../../errors.ts';
import { closest } from './did-you-mean.ts';
import { KAFKA_NAMES, kafkaName } from './kafka-names.ts';
import { KEYS } from './key-list.ts';
import type { Setting } from './setting.ts';
import type { OutsideSetting } from './outside.ts';
import { didYouMean, NAME_CHARACTERS_MAX, quoteName, type ConfigProblem } from './problems.ts';
import { looksMade } from './secrets.ts';

/** The flag, as the user typed it. */
export const KAFKA_FLAG = '-X';
/** The prefix shows that the name is a Kafka setting. */
const PREFIX = 'kafka.';

export interface KafkaFlagSetting extends OutsideSetting {
  /** With its prefix: `kafka.linger.ms`. */
  readonly name: string;
}

/**
 * The settings after `-X`, in their order. The text of a problem contains a value only if its key's own check puts it there,
 * and that check leaves secrets out.
 * @param words each `kafka.NAME=VALUE`
 * @param flag the flag that gave the words, for messages
 */
export function readKafkaFlags(
  words: readonly string[],
  flag: string = KAFKA_FLAG,
): {
  settings: KafkaFlagSetting[];
  problems: ConfigProblem[];
} {
  const settings: KafkaFlagSetting[] = [];
  const problems: ConfigProblem[] = [];
  for (const word of words) {
    const read = readWord(word, flag);
    if (typeof read === 'string') problems.push({ where: kafkaFlagPlace(word, flag), what: read });
    else if (read !== undefined) settings.push(read);
  }
  return { settings, problems };
}

/** `-X kafka.linger.ms`: the word without its value, which may be a secret; `-X` alone if the name cannot be recognised. */
export function kafkaFlagPlace(word: string, flag: string = KAFKA_FLAG): string {
  const name = nameOf(word);
  return name === undefined || !isName(name) ? flag : `${flag} ${name}`;
}

/** Names of secrets on the command line, where other users of the machine can see them: `kafka.sasl.password`. */
export function secretsOnCommandLine(settings: readonly Setting[]): string[] {
  return settings.flatMap(({ key, origin }) => {
    return key.secret === true && origin.kind === 'flag' ? [origin.setting ?? `--${origin.name}`] : [];
  });
}

/** What is wrong with the word, as text; undefined if it asks for what happens anyway. */
function readWord(word: string, flag: string): KafkaFlagSetting | string | undefined {
  const name = nameOf(word);
  if (name === undefined) return 'Write a setting as kafka.NAME=VALUE, for example kafka.acks=all.';
  if (!name.startsWith(PREFIX)) {
    return `Write a setting as kafka.NAME=VALUE; the prefix kafka. is missing.${didYouMean(suggestionFor(name))}`;
  }
  const dotted = name.slice(PREFIX.length);
  const known = kafkaName(dotted);
  if (known === undefined) {
    const suggestion = suggestionFor(dotted);
    return `There is no Kafka setting ${quoteName(name, suggestion)}.${didYouMean(suggestion)}`;
  }
  const reading = known.read(word.slice(word.indexOf('=') + 1).trim());
  if (reading.kind === 'as it is') return undefined;
  if (reading.kind === 'never') return `${name} cannot be set. ${reading.why}`;
  if (reading.kind === 'refused') return `${name} cannot have this value. ${reading.why}`;
  const key = KEYS.find(({ path }) => path === known.path);
  invariant(key !== undefined, `${name} stands for ${known.path ?? 'no key'}, which is none`);
  return { key, text: reading.text, where: `${flag} ${name}`, name };
}

/** The text before the first `=`; undefined if there is no `=`, or if the text is not a name, since it may be anything. */
function nameOf(word: string): string | undefined {
  const match = /^([A-Za-z][\w.-]*)=/.exec(word.trim());
  return match?.[1];
}

/** Whether it was meant as a name: a password without a name may also end in `=`, as base64 does. */
function isName(name: string): boolean {
  if (name.length > NAME_CHARACTERS_MAX || looksMade(name)) return false;
  return name.startsWith(PREFIX) || suggestionFor(name) !== undefined;
}

function suggestionFor(dotted: string): string | undefined {
  const near = closest(dotted, KAFKA_NAMES);
  return near === undefined ? undefined : PREFIX + near;
}
