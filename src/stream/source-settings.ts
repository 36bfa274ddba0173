/** The options of a query that Structured Streaming has on the reader: both places take them. */
import type { GivenOptions } from '../options/option.ts';
import { READER_OPTIONS } from '../options/query-options.ts';
import type { SourceSpec } from './stream-parts.ts';

/** Formats whose readers have these options in Spark; of a memory stream, a test of the same program expects them too. */
const FORMATS: readonly string[] = ['kafka', 'embedded', 'memory'];

/** Those of them that the reader was given, as options of the query. */
export function settingsOfSource({ format, options }: SourceSpec): GivenOptions {
  if (!FORMATS.includes(format)) return {};
  const given = Object.entries(options).map(([name, text]) => [name.toLowerCase(), text] as const);
  return Object.fromEntries(
    Object.keys(READER_OPTIONS).flatMap((name) => {
      const found = given.find(([other]) => other === name.toLowerCase());
      return found === undefined ? [] : [[name, found[1]]];
    }),
  );
}
