/** The flag `-X kafka.NAME=VALUE`: Kafka settings under Kafka's own names. */
import { invariant } from '../../errors.ts';
import { kafkaPlace, readKafkaSetting } from '../../options/kafka-settings.ts';
import type { ConfigProblem } from '../../options/problems.ts';
import { KEYS } from './key-list.ts';
import type { OutsideSetting } from './outside.ts';
import type { Setting } from './setting.ts';

/** The flag, as the user typed it. */
export const KAFKA_FLAG = '-X';

export interface KafkaFlagSetting extends OutsideSetting {
  /** With its prefix: `kafka.linger.ms`. */
  readonly name: string;
}

/**
 * The settings after `-X`, in their order. The text of a problem contains a value only if its key's own check puts it there,
 * and that check leaves secrets out.
 * @param words each `kafka.NAME=VALUE`
 */
export function readKafkaFlags(words: readonly string[]): {
  settings: KafkaFlagSetting[];
  problems: ConfigProblem[];
} {
  const settings: KafkaFlagSetting[] = [];
  const problems: ConfigProblem[] = [];
  for (const word of words) {
    const read = readWord(word);
    if (typeof read === 'string') problems.push({ where: kafkaFlagPlace(word), what: read });
    else if (read !== undefined) settings.push(read);
  }
  return { settings, problems };
}

/** `-X kafka.linger.ms`: the word without its value, which may be a secret; `-X` alone if the name cannot be recognised. */
export function kafkaFlagPlace(word: string): string {
  return kafkaPlace(KAFKA_FLAG, nameOf(word));
}

/** Names of secrets on the command line, where other users of the machine can see them: `kafka.sasl.password`. */
export function secretsOnCommandLine(settings: readonly Setting[]): string[] {
  return settings.flatMap(({ key, origin }) => {
    return key.secret === true && origin.kind === 'flag' ? [origin.setting ?? `--${origin.name}`] : [];
  });
}

/** What is wrong with the word, as text; undefined if it asks for what happens anyway. */
function readWord(word: string): KafkaFlagSetting | string | undefined {
  const name = nameOf(word);
  if (name === undefined) return 'Write a setting as kafka.NAME=VALUE, such as kafka.acks=all.';
  const read = readKafkaSetting(name, word.slice(word.indexOf('=') + 1));
  if (read === undefined || typeof read === 'string') return read;
  const key = KEYS.find(({ path }) => path === read.path);
  invariant(key !== undefined, `${name} stands for ${read.path}, which is no key`);
  return { key, text: read.text, where: `${KAFKA_FLAG} ${name}`, name };
}

/** What stands before the first `=`; undefined if there is none, or if it is no name, since it may be anything. */
function nameOf(word: string): string | undefined {
  const match = /^([A-Za-z][\w.-]*)=/.exec(word.trim());
  return match?.[1];
}
