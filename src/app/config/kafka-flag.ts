/** The flag `-X kafka.NAME=VALUE`: settings of Kafka under Kafka's own names. */
import { invariant } from '../../errors.ts';
import { closest } from './did-you-mean.ts';
import { KAFKA_NAMES, kafkaName } from './kafka-names.ts';
import { KEYS } from './key-list.ts';
import type { Setting } from './setting.ts';
import type { OutsideSetting } from './outside.ts';
import { didYouMean, NAME_CHARACTERS_MAX, quoteName, type ConfigProblem } from './problems.ts';
import { looksMade } from './secrets.ts';

/** The flag, as the one who reads an error typed it. */
export const KAFKA_FLAG = '-X';
/** Part of the flag's form: it says whose setting the name is. */
const PREFIX = 'kafka.';

export interface KafkaFlagSetting extends OutsideSetting {
  /** With its prefix: `kafka.linger.ms`. */
  readonly name: string;
}

/**
 * What the words after `-X` set, in their order. No value ever stands in a problem's text unless its key's own check puts
 * it there, and that leaves secrets out.
 * @param words each `kafka.NAME=VALUE`
 * @param flag what the words were given by, for messages
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

/** `-X kafka.linger.ms`: the word without its value, which may be a secret; `-X` alone where no name can be told. */
export function kafkaFlagPlace(word: string, flag: string = KAFKA_FLAG): string {
  const name = nameOf(word);
  return name === undefined || !isName(name) ? flag : `${flag} ${name}`;
}

/** Names of secrets that stand on the command line, where other users of the machine can see them: `kafka.sasl.password`. */
export function secretsOnCommandLine(settings: readonly Setting[]): string[] {
  return settings.flatMap(({ key, origin }) => {
    return key.secret === true && origin.kind === 'flag' ? [origin.setting ?? `--${origin.name}`] : [];
  });
}

/** What is wrong with the word, as text; undefined where it asks for what happens anyway. */
function readWord(word: string, flag: string): KafkaFlagSetting | string | undefined {
  const name = nameOf(word);
  if (name === undefined) return 'A setting is written kafka.NAME=VALUE, such as kafka.acks=all.';
  if (!name.startsWith(PREFIX)) {
    return `A setting is written kafka.NAME=VALUE, and its prefix is missing.${didYouMean(suggestionFor(name))}`;
  }
  const dotted = name.slice(PREFIX.length);
  const known = kafkaName(dotted);
  if (known === undefined) {
    const suggestion = suggestionFor(dotted);
    return `There is no setting ${quoteName(name, suggestion)} of Kafka here.${didYouMean(suggestion)}`;
  }
  const reading = known.read(word.slice(word.indexOf('=') + 1).trim());
  if (reading.kind === 'as it is') return undefined;
  if (reading.kind === 'never') return `${name} cannot be set. ${reading.why}`;
  if (reading.kind === 'refused') return `${name} cannot have this value. ${reading.why}`;
  const key = KEYS.find(({ path }) => path === known.path);
  invariant(key !== undefined, `${name} stands for ${known.path ?? 'no key'}, which is none`);
  return { key, text: reading.text, where: `${flag} ${name}`, name };
}

/** What stands before the first `=`; undefined where there is none, or where it is no name, since it may be anything. */
function nameOf(word: string): string | undefined {
  const match = /^([A-Za-z][\w.-]*)=/.exec(word.trim());
  return match?.[1];
}

/** Whether it was meant as one: a password without any name may end in `=` too, as base64 does. */
function isName(name: string): boolean {
  if (name.length > NAME_CHARACTERS_MAX || looksMade(name)) return false;
  return name.startsWith(PREFIX) || suggestionFor(name) !== undefined;
}

function suggestionFor(dotted: string): string | undefined {
  const near = closest(dotted, KAFKA_NAMES);
  return near === undefined ? undefined : PREFIX + near;
}
