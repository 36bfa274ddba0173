import type { ValueType } from './values.ts';

/** One key of the configuration. A test checks that its comment in config/config.yaml equals `doc`. */
export interface Key<T> {
  /** As the file spells it, inside its section. */
  readonly name: string;
  readonly type: ValueType<T>;
  /** As the file would spell it. */
  readonly defaultText: string;
  /** One sentence. */
  readonly doc: string;
  readonly flag?: Flag;
  /** Never shown, neither by `config show` nor in the message about a wrong value. */
  readonly secret?: true;
  /** The value names a file that holds a secret. Users may set the secret itself by mistake. */
  readonly namesSecretFile?: true;
}

export interface Flag {
  /** Without its dashes. */
  readonly name: string;
  /** The placeholder of the value in the help text. */
  readonly argument: string;
}

/** The values that a table of keys holds, section by section. */
export type ValuesOf<Rows> = {
  readonly [Name in keyof Rows]: Rows[Name] extends Key<infer Value> ? Value : ValuesOf<Rows[Name]>;
};

export function key<T>(
  name: string,
  type: ValueType<T>,
  defaultText: string,
  doc: string,
  more: Pick<Key<T>, 'flag' | 'secret' | 'namesSecretFile'> = {},
): Key<T> {
  return { name, type, defaultText, doc, ...more };
}
