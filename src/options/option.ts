/** Options that a program sets: tables of names, types and defaults, from which they are checked, typed and documented. */
import { TallystreamError } from '../errors.ts';
import { closest } from '../values/did-you-mean.ts';
import { anyText, mismatch, parsed, type ValueType } from '../values/values.ts';

/** What a number, a boolean, a duration and a size may be given as; in a text, as in a configuration file. */
export type GivenNumber = number | `${number}`;
export type GivenBoolean = boolean | 'true' | 'false';
export type GivenDuration = `${number} ${string}` | `${number}${string}`;
export type GivenSize = number | GivenDuration;

export interface Option<Value, Given> {
  readonly type: ValueType<Value>;
  /** As a program could write it; undefined if there is none. */
  readonly default: string | undefined;
  /** One sentence. */
  readonly doc: string;
  /** The type of what a program gives; never there. */
  readonly given?: Given;
}

export type OptionTable = Readonly<Record<string, Option<unknown, unknown>>>;
/** What a program may give. */
export type OptionsOf<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: Table[Name] extends Option<unknown, infer Given> ? Given : never;
};
/** What it comes to. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer Value, unknown> ? Value : never;
};
/** Options as they were given, as texts. */
export type GivenOptions = Readonly<Record<string, string>>;

/** Who takes the options of a table. */
export interface OptionOwner<Table extends OptionTable = OptionTable> {
  /** `kafka source`, `sink file`. */
  readonly name: string;
  readonly options: Table;
  /** Spark's names that mean something there and cannot be had here, each with the sentence that says why. */
  readonly unsupported?: Readonly<Record<string, string>>;
  /** What the list of options ends with. */
  readonly others?: string;
}

/** An option with a default. */
export function option<Value, Given>(
  type: ValueType<Value>,
  defaultText: string,
  doc: string,
): Option<Value, Given> {
  return { type, default: defaultText, doc };
}

/** An option without a default. */
export function optional<Value, Given = string>(
  type: ValueType<Value>,
  doc: string,
): Option<Value | undefined, Given> {
  return { type, default: undefined, doc };
}

/** A text without a default. */
export function optionalText(doc: string): Option<string | undefined, string> {
  return optional(anyText(), doc);
}

/** The options of a program as texts, without those that it leaves undefined. */
export function textsOf(options: object): GivenOptions {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

/** true or false, in any case. */
export function truth(): ValueType<boolean> {
  return {
    kind: 'boolean',
    expected: 'true or false',
    parse: (raw) => (/^(?:true|false)$/i.test(raw) ? parsed(raw.toLowerCase() === 'true') : mismatch()),
  };
}

/** The one value that an option of Spark's can have here. */
export function only(text: string, why: string): ValueType<string> {
  return {
    kind: 'enum',
    expected: `${text}: ${why}`,
    parse: (raw) => (raw.toLowerCase() === text ? parsed(text) : mismatch()),
  };
}

/**
 * The values of the options that an owner was given, with its defaults. Names are compared without case, as in Spark.
 * @throws USAGE for an option that there is not, that is given twice, or that cannot have this value
 */
export function readOptions<Table extends OptionTable>(
  owner: OptionOwner<Table>,
  given: GivenOptions,
): OptionValues<Table> {
  const texts = new Map<string, string>();
  for (const [name, text] of Object.entries(given)) {
    const known = knownName(owner, name);
    if (texts.has(known))
      throw usage(`The option ${name} of the ${owner.name} is given twice.`, 'Leave one out.');
    texts.set(known, text.trim());
  }
  const values: [string, unknown][] = [];
  for (const [name, { type, default: defaultText }] of Object.entries(owner.options)) {
    const text = texts.get(name) ?? defaultText;
    const read = text === undefined ? parsed(undefined) : type.parse(text);
    if (read.kind !== 'value') {
      const more = [read.note, 'suggestion' in read ? `Did you mean ${read.suggestion}?` : undefined];
      throw refuseOption(
        owner,
        name,
        text ?? '',
        type.expected,
        more.filter((each) => each !== undefined),
      );
    }
    values.push([name, read.value]);
  }
  return Object.fromEntries(values) as OptionValues<Table>;
}

/** The error for a value that an option cannot have. */
export function refuseOption(
  owner: OptionOwner,
  name: string,
  text: string,
  expected: string,
  more: readonly string[] = [],
): TallystreamError {
  return usage(
    `The option ${name} of the ${owner.name} cannot be ${JSON.stringify(text)}.`,
    [`Use ${expected}.`, ...more].join(' '),
  );
}

/** The option's name in its own case. @throws USAGE if there is no such option */
function knownName({ name: owner, options, unsupported = {}, others }: OptionOwner, name: string): string {
  const names = Object.keys(options);
  const isSame = (other: string) => other.toLowerCase() === name.toLowerCase();
  const known = names.find(isSame);
  if (known !== undefined) return known;
  const listed = [...names, ...(others === undefined ? [] : [others])];
  const list = listed.length === 0 ? 'It takes none.' : `The options are ${listed.join(', ')}.`;
  const refused = Object.keys(unsupported).find(isSame);
  if (refused !== undefined) {
    throw usage(`The ${owner} does not take the option ${refused}.`, list, unsupported[refused]);
  }
  const near = closest(name, names);
  const suggestion = near === undefined ? '' : ` Did you mean ${near}?`;
  throw usage(`The ${owner} has no option ${name}.${suggestion}`, list);
}

function usage(what: string, hint: string, why?: string): TallystreamError {
  return new TallystreamError('USAGE', { what, ...(why === undefined ? {} : { why }), hint });
}
