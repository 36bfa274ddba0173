/** Settings of a Kafka client under Kafka's own dotted names: those of the flag `-X`, and the options of a program. */
import { resolve } from 'node:path';
import { invariant } from '../errors.ts';
import { closest } from '../values/did-you-mean.ts';
import type { Key, ValuesOf } from '../values/key.ts';
import { looksMade } from '../values/secrets.ts';
import { KAFKA_KEYS } from './kafka-keys.ts';
import { KAFKA_NAMES, kafkaName } from './kafka-names.ts';
import {
  configInvalid,
  describeMismatch,
  didYouMean,
  NAME_CHARACTERS_MAX,
  quoteName,
  type ConfigProblem,
} from './problems.ts';
import { PRODUCER_KEYS } from './producer-keys.ts';

/** The values of the section `kafka`. */
export type KafkaSettings = ValuesOf<typeof KAFKA_KEYS>;

/** Says that a name is Kafka's. */
export const KAFKA_PREFIX = 'kafka.';
/** Kafka has no name for these. A program sets them under the name that the configuration has. */
const OWN_NAMES = ['sasl_password_file', 'sasl_token_file', 'allow_plaintext_password'];

/**
 * What a setting of Kafka sets. Undefined if it asks for what happens anyway; a text says what is wrong, without the
 * value, which may be a secret.
 * @param name with its prefix: `kafka.linger.ms`
 */
export function readKafkaSetting(
  name: string,
  value: string,
): { readonly path: string; readonly text: string } | string | undefined {
  if (!name.startsWith(KAFKA_PREFIX)) {
    return `The prefix kafka. is missing.${didYouMean(suggestKafkaName(name))}`;
  }
  const dotted = name.slice(KAFKA_PREFIX.length);
  const known = kafkaName(dotted);
  if (known === undefined) {
    const suggestion = suggestKafkaName(dotted);
    return `There is no setting ${quoteName(name, suggestion)} of Kafka here.${didYouMean(suggestion)}`;
  }
  const reading = known.read(value.trim());
  if (reading.kind === 'as it is') return undefined;
  if (reading.kind === 'never') return `${name} cannot be set. ${reading.why}`;
  if (reading.kind === 'refused') return `${name} cannot have this value. ${reading.why}`;
  invariant(known.path !== null, `${name} sets a value and no key`);
  return { path: known.path, text: reading.text };
}

/** The name that was likely meant, with its prefix. @param dotted without it */
function suggestKafkaName(dotted: string): string | undefined {
  const near = closest(dotted, KAFKA_NAMES);
  return near === undefined ? undefined : KAFKA_PREFIX + near;
}

/** `-X kafka.linger.ms`: what gave the setting; without a name that may be a secret. */
export function kafkaPlace(given: string, name: string | undefined): string {
  return name === undefined || !isName(name) ? given : `${given} ${name}`;
}

/** Whether it was meant as a name: a password may end in `=` too, as base64 does. */
function isName(name: string): boolean {
  if (name.length > NAME_CHARACTERS_MAX || looksMade(name)) return false;
  return name.startsWith(KAFKA_PREFIX) || suggestKafkaName(name) !== undefined;
}

/**
 * The settings that a program gives as options, `kafka.bootstrap.servers` and the others; what it leaves out has the
 * configuration's default. It reads no file and no environment.
 * @throws CONFIG_INVALID with everything that is wrong
 */
export function readKafkaOptions(options: Readonly<Record<string, string>>): KafkaSettings {
  const problems: ConfigProblem[] = [];
  const values = new Map(
    Object.entries<Key<unknown>>(KAFKA_KEYS).map(([name, key]) => [name, defaultOf(key)]),
  );
  for (const [name, given] of Object.entries(options)) {
    const read = readOption(name, given);
    if (read === undefined) continue;
    const where = kafkaPlace('option', name);
    if (typeof read === 'string') {
      problems.push({ where, what: read });
      continue;
    }
    const [section, inner = ''] = read.path.split('.');
    const [property, key] = findKey(section === 'producer' ? PRODUCER_KEYS : KAFKA_KEYS, inner);
    const parsed = key.type.parse(read.text);
    if (parsed.kind !== 'value') {
      problems.push({ where, what: describeMismatch({ ...key, path: name }, read.text, parsed, true) });
    } else if (section === 'kafka') values.set(property, parsed.value);
  }
  if (problems.length > 0) throw configInvalid(problems, 'The options have');
  return Object.fromEntries(values) as unknown as KafkaSettings;
}

function readOption(name: string, given: string): ReturnType<typeof readKafkaSetting> {
  const own = name.slice(KAFKA_PREFIX.length);
  return OWN_NAMES.includes(own) ? { path: name, text: given.trim() } : readKafkaSetting(name, given);
}

function defaultOf({ type, defaultText }: Key<unknown>): unknown {
  const parsed = type.parse(defaultText);
  invariant(parsed.kind === 'value', `${defaultText} is no ${type.expected}`);
  return parsed.value;
}

function findKey(keys: Readonly<Record<string, Key<unknown>>>, name: string): [string, Key<unknown>] {
  const found = Object.entries(keys).find(([, key]) => key.name === name);
  invariant(found !== undefined, `There is no key ${name}`);
  return found;
}

/** The settings with the paths of files as absolute ones, so that a later change of the working folder moves nothing. */
export function withAbsoluteFiles(kafka: KafkaSettings, cwd: string): KafkaSettings {
  const at = (path: string | null) => (path === null ? null : resolve(cwd, path));
  return {
    ...kafka,
    tlsCaFile: at(kafka.tlsCaFile),
    tlsCertFile: at(kafka.tlsCertFile),
    tlsKeyFile: at(kafka.tlsKeyFile),
    saslPasswordFile: at(kafka.saslPasswordFile),
    saslTokenFile: at(kafka.saslTokenFile),
  };
}
