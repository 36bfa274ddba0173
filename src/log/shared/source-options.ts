/** Options of a source as a program gives them: texts by Structured Streaming's names, in any case. */
import { TallystreamError } from '../../errors.ts';

export interface OptionReader {
  /** The option's text, or undefined where it was not given. */
  text(name: string): string | undefined;
  /** A whole number from 1 to `max`, or undefined. @throws USAGE */
  count(name: string, max: number): number | undefined;
  /** @throws USAGE for anything but `true` and `false` */
  truth(name: string): boolean | undefined;
  refuse(name: string, expected: string): TallystreamError;
}

/** Spark's names that mean something there and cannot be had here, each with the sentence that says why. */
export type Unsupported = Readonly<Record<string, string>>;

/**
 * Names are compared without case, as Spark does.
 * @throws USAGE for a name that is not in `known`, that is given twice in two cases, or that is in `unsupported`
 */
export function readOptions(
  source: string,
  options: Readonly<Record<string, string>>,
  known: readonly string[],
  unsupported: Unsupported = {},
): OptionReader {
  const given = new Map<string, string>();
  for (const [name, text] of Object.entries(options)) {
    const plain = name.toLowerCase();
    if (given.has(plain)) {
      throw usage(`The option ${name} of the ${source} source is given twice.`, undefined, 'Leave one out.');
    }
    given.set(plain, text.trim());
    if (known.some((other) => other.toLowerCase() === plain)) continue;
    const refused = Object.keys(unsupported).find((other) => other.toLowerCase() === plain);
    const mend = `The options are ${known.join(', ')}.`;
    if (refused === undefined) throw usage(`The ${source} source has no option ${name}.`, undefined, mend);
    throw usage(`The ${source} source does not take the option ${refused}.`, unsupported[refused], mend);
  }
  const text = (name: string) => given.get(name.toLowerCase());
  const refuse = (name: string, expected: string) =>
    usage(
      `The option ${name} of the ${source} source cannot be ${JSON.stringify(text(name) ?? '')}.`,
      undefined,
      `Use ${expected}.`,
    );
  return {
    text,
    refuse,
    count(name, max) {
      const value = text(name);
      if (value === undefined) return undefined;
      const count = /^[0-9]{1,15}$/.test(value) ? Number(value) : 0;
      if (count >= 1 && count <= max) return count;
      throw refuse(name, `a whole number from 1 to ${max}`);
    },
    truth(name) {
      const value = text(name)?.toLowerCase();
      if (value === undefined) return undefined;
      if (value !== 'true' && value !== 'false') throw refuse(name, 'true or false');
      return value === 'true';
    },
  };
}

function usage(what: string, why: string | undefined, mend: string): TallystreamError {
  return new TallystreamError('USAGE', { what, ...(why === undefined ? {} : { why }), mend });
}
