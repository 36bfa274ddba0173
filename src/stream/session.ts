/** Where queries start: Structured Streaming's `SparkSession`, as far as streams need it. */
import type { Schema } from '../columns/schema/schema.ts';
import { TallystreamError } from '../errors.ts';
import { textsOf, type GivenOptions } from '../options/option.ts';
import {
  checkSourceOptions,
  SOURCE_FORMATS,
  type SourceFormat,
  type SourceOptions,
} from '../options/source-options.ts';
import { DataStream } from './data-stream.ts';
import { isInHandler } from './handler-scope.ts';
import { emptyParts, type SourceSpec } from './stream-parts.ts';
import { inWordsOfProgram } from './option-words.ts';
import { logOf, type MemoryStream } from './memory-stream.ts';
import type { StreamingQueryManager } from './query-manager.ts';
import type { StreamHost } from './stream-host.ts';

/** What a session needs of its place beside what its queries need. */
export interface SessionHost extends StreamHost {
  createMemoryStream<S extends Schema>(schema: S, partitions: number): MemoryStream<S>;
}

/** A session: where streams begin, and the queries that run. It holds no file and no connection by itself. */
export class Session {
  private readonly host: SessionHost;

  constructor(host: SessionHost) {
    this.host = host;
  }

  /** The queries of this session. */
  get streams(): StreamingQueryManager {
    return this.host.queries;
  }

  /** `session.readStream.format('kafka').option('subscribe', 'events').load(SCHEMA)`. */
  get readStream(): StreamReader {
    return new StreamReader(this.host, undefined, {});
  }

  /** A source that the program fills itself, for tests and trials; it is gone with the process. */
  memoryStream<S extends Schema>(schema: S, options: { readonly partitions?: number } = {}): MemoryStream<S> {
    return this.host.createMemoryStream(schema, options.partitions ?? 1);
  }

  /**
   * Stops every query, each after the batch in hand. In a handler of a query it resolves at once, and the queries end when
   * their batches are committed.
   */
  async stop(): Promise<void> {
    const stopped = Promise.all(this.host.queries.active.map((query) => query.stop()));
    if (!isInHandler()) await stopped;
  }
}

/** A memory stream of any schema. */
export type MemorySource = Pick<MemoryStream<Schema>, 'addBytes'>;

/** The options of all formats, for a reader that has none yet. */
type AnySourceOptions = SourceOptions['kafka'] & SourceOptions['rate'] & SourceOptions['file'];

/** How a stream is read; each call gives another reader. */
export class StreamReader<Options extends object = AnySourceOptions> {
  private readonly host: StreamHost;
  private readonly sourceFormat: SourceFormat | undefined;
  private readonly given: GivenOptions;
  private readonly memory: MemorySource | undefined;

  constructor(
    host: StreamHost,
    sourceFormat: SourceFormat | undefined,
    given: GivenOptions,
    memory?: MemorySource,
  ) {
    this.host = host;
    this.sourceFormat = sourceFormat;
    this.given = given;
    this.memory = memory;
    if (sourceFormat !== undefined) inWordsOfProgram(() => checkSourceOptions(sourceFormat, given));
  }

  /** Where the events come from: Kafka, the embedded log, rows made at a rate, or the files of a folder. @throws USAGE */
  format<Format extends Exclude<SourceFormat, 'memory'>>(format: Format): StreamReader<SourceOptions[Format]>;
  /** A memory stream of this session. */
  format(format: 'memory', stream: MemorySource): StreamReader<SourceOptions['memory']>;
  format(format: SourceFormat, stream?: MemorySource): StreamReader<object> {
    if (!SOURCE_FORMATS.includes(format)) {
      throw new TallystreamError('USAGE', {
        what: `There is no source format ${JSON.stringify(format)}.`,
        hint: `The formats are ${SOURCE_FORMATS.join(', ')}.`,
      });
    }
    return new StreamReader(this.host, format, this.given, stream);
  }

  /**
   * An option by its name in Structured Streaming; Kafka's own begin with `kafka.`. docs/api/options.md has them all.
   * @throws USAGE for one that there is not, or a value that it cannot have; CONFIG_INVALID if it is Kafka's own
   */
  option<Name extends keyof Options & string>(
    name: Name,
    value: Required<Options>[Name],
  ): StreamReader<Options> {
    return this.options({ [name]: value } as unknown as Options);
  }

  /** Several options at once, in the place of a call of `option` for each. @throws as `option` does */
  options(options: Options): StreamReader<Options> {
    const given = { ...this.given, ...textsOf(options) };
    return new StreamReader(this.host, this.sourceFormat, given, this.memory);
  }

  /** The stream of events of this schema. Nothing is opened before a query starts. @throws USAGE */
  load<S extends Schema>(schema: S): DataStream<S> {
    if (this.sourceFormat === undefined) {
      throw new TallystreamError('USAGE', {
        what: 'readStream has no format.',
        hint: `Call format('…') with one of ${SOURCE_FORMATS.join(', ')}.`,
      });
    }
    const log = logOf(this.memory);
    const source: SourceSpec = {
      format: this.sourceFormat,
      options: this.given,
      ...(log === undefined ? {} : { log }),
    };
    return new DataStream<S>(this.host, emptyParts(Object.freeze(source), schema));
  }
}
