/** The options of `writeStream.format('…')`, format by format. */
import { TallystreamError } from '../errors.ts';
import { integer, oneOf, orWord } from '../values/values.ts';
import {
  option,
  optional,
  optionalText,
  readOptions,
  type GivenBoolean,
  type GivenNumber,
  type GivenOptions,
  type OptionOwner,
  type OptionsOf,
  type OptionValues,
} from './option.ts';

const ROWS_MAX = 1_000_000_000;
const PARTITIONS_MAX = 1024;

/** What each format of a sink takes. */
export const SINKS = {
  console: {
    name: 'sink console',
    options: {
      numRows: option<number, GivenNumber>(
        integer(0, ROWS_MAX),
        '20',
        'The most rows of an output that are shown.',
      ),
      truncate: option<boolean | number, GivenBoolean | GivenNumber>(
        orWord<number | boolean, boolean>(
          orWord<number, boolean>(integer(0, ROWS_MAX), 'false', false),
          'true',
          true,
        ),
        'true',
        'Whether cells are cut to 20 columns of the terminal, or to how many; false leaves them whole.',
      ),
    },
  },
  memory: { name: 'sink memory', options: {} },
  table: {
    name: 'sink table',
    options: {
      path: optionalText('The SQLite file; it has to be given.'),
      table: optionalText("The table of a query with one output; without it the output's name."),
    },
    required: ['path'],
  },
  file: {
    name: 'sink file',
    options: {
      path: optionalText('The folder; it has to be given.'),
      fileFormat: option<'ndjson' | 'parquet', 'ndjson' | 'parquet'>(
        oneOf(['ndjson', 'parquet']),
        'ndjson',
        'The format of the files.',
      ),
      compression: optional<Compression, Compression>(
        oneOf(['snappy', 'gzip', 'zstd', 'none', 'uncompressed']),
        'gzip or none for ndjson, without it none; snappy, gzip, zstd or none for parquet, without it snappy.',
      ),
    },
    required: ['path'],
  },
  topic: {
    name: 'sink topic',
    options: {
      topic: optionalText('The topic; it has to be given.'),
      partitions: option<number, GivenNumber>(
        integer(1, PARTITIONS_MAX),
        '1',
        'Partitions of the topic if it is made.',
      ),
    },
    required: ['topic'],
  },
} as const satisfies Readonly<Record<string, OptionOwner & { readonly required?: readonly string[] }>>;

/** `uncompressed` is Spark's other word for none. */
type Compression = 'snappy' | 'gzip' | 'zstd' | 'none' | 'uncompressed';

/** The name of a format that `writeStream` knows. */
export type SinkFormat = keyof typeof SINKS;
/** The options of each format of a sink; [Options](options.md) has them all. */
export type SinkOptions = {
  readonly [Format in SinkFormat]: Format extends 'memory'
    ? Readonly<Record<string, never>>
    : OptionsOf<(typeof SINKS)[Format]['options']>;
};
/** What they come to. */
export type SinkValues<Format extends SinkFormat> = OptionValues<(typeof SINKS)[Format]['options']>;

/** @throws USAGE for a format or an option that there is not, and for one that is missing or cannot have this value */
export function readSinkOptions<Format extends SinkFormat>(
  format: Format,
  given: GivenOptions,
): SinkValues<Format> {
  const owner: (OptionOwner & { readonly required?: readonly string[] }) | undefined = Object.hasOwn(
    SINKS,
    format,
  )
    ? SINKS[format]
    : undefined;
  if (owner === undefined) {
    throw new TallystreamError('USAGE', {
      what: `There is no sink format ${JSON.stringify(format)}.`,
      hint: `The formats are ${Object.keys(SINKS).join(', ')}; or use foreachBatch.`,
    });
  }
  const values: Readonly<Record<string, unknown>> = readOptions(owner, given);
  const missing = owner.required?.find((name) => values[name] === undefined);
  if (missing !== undefined) {
    throw new TallystreamError('USAGE', {
      what: `The ${owner.name} needs the option ${missing}.`,
      hint: `Write format('${format}', { ${missing}: '…' }).`,
    });
  }
  return values as SinkValues<Format>;
}
