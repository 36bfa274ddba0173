/** The options of a query that Structured Streaming has on the reader: both places take them. */
import { TallystreamError } from '../errors.ts';
import type { SourceSpec } from './stream-parts.ts';

/** Formats whose readers have these options in Spark; of a memory stream, a test of the same program expects them too. */
const FORMATS: readonly string[] = ['kafka', 'embedded', 'memory'];
export const READER_SETTINGS = ['maxOffsetsPerTrigger', 'failOnDataLoss'] as const;

/** Those of them that the reader was given, as settings of the query. @throws USAGE for one that is given twice */
export function settingsOfSource({ format, options }: SourceSpec): Readonly<Record<string, string>> {
  if (!FORMATS.includes(format)) return {};
  const found: Record<string, string> = {};
  for (const [name, text] of Object.entries(options)) {
    const setting = settingOf(name);
    if (setting === undefined) continue;
    if (found[setting] !== undefined) {
      throw new TallystreamError('USAGE', {
        what: `The option ${setting} of the ${format} source is given twice.`,
        mend: 'Leave one out.',
      });
    }
    found[setting] = text.trim();
  }
  return found;
}

/** Names of a reader's options are compared without case, as in Spark. */
export function settingOf(name: string): (typeof READER_SETTINGS)[number] | undefined {
  return READER_SETTINGS.find((setting) => setting.toLowerCase() === name.toLowerCase());
}
