/** The sinks that `writeStream.format('…')` knows, each from its options; imported when it is asked for and not before. */
import type { Sink, TopicOutput } from '../contracts/sink.ts';
import { TallystreamError } from '../errors.ts';
import type { Aggregate, QueryPlan } from '../plan/query-plan.ts';
import type { ParquetCompression } from '../sinks/parquet.ts';
import type { OpenSource, SinkSpec } from '../stream/stream-host.ts';
import { jsonOfTableRow } from '../columns/format/table-json.ts';

type Options = Readonly<Record<string, string>>;

const PARQUET_COMPRESSIONS: readonly ParquetCompression[] = ['snappy', 'gzip', 'zstd', 'none'];

interface Format {
  readonly options: readonly string[];
  create(options: Options, plan: QueryPlan, source: OpenSource): Promise<Sink>;
}

const FORMATS: Readonly<Record<string, Format>> = {
  console: {
    options: ['numRows', 'truncate'],
    async create({ numRows, truncate = 'true' }, { timeZone }) {
      const { createConsoleSink } = await import('../sinks/console-tables.ts');
      return createConsoleSink({
        stream: process.stdout,
        timeZone,
        truncate: truncate === 'true' || truncate === 'false' ? truncate === 'true' : Number(truncate),
        ...(numRows === undefined ? {} : { numRows: Number(numRows) }),
      });
    },
  },
  memory: {
    options: [],
    async create() {
      const { createMemorySink } = await import('../sinks/memory.ts');
      return createMemorySink();
    },
  },
  table: {
    options: ['path', 'table'],
    async create(options, { outputMode, aggregates }) {
      const { createTableSink } = await import('../sinks/table.ts');
      const { table } = options;
      return createTableSink({
        path: needed('table', options, 'path'),
        outputMode,
        keyColumns: Object.fromEntries(aggregates.map((aggregate) => [aggregate.name, keyNames(aggregate)])),
        ...(table === undefined ? {} : { tableOf: () => table }),
      });
    },
  },
  file: {
    options: ['path', 'fileFormat', 'compression'],
    async create(options) {
      const { createFileSink } = await import('../sinks/file.ts');
      const { fileFormat = 'ndjson', compression } = options;
      if (fileFormat !== 'ndjson' && fileFormat !== 'parquet') {
        throw wrong('file', 'fileFormat', fileFormat, 'ndjson or parquet');
      }
      const path = needed('file', options, 'path');
      if (fileFormat === 'parquet') {
        return createFileSink({ path, format: fileFormat, compression: parquetCompression(compression) });
      }
      if (compression !== undefined && compression !== 'gzip' && compression !== 'none') {
        throw wrong('file', 'compression', compression, 'gzip or none for ndjson');
      }
      return createFileSink({ path, format: fileFormat, gzip: compression === 'gzip' });
    },
  },
  topic: {
    options: ['topic', 'partitions'],
    async create(options, plan, { log }) {
      const { createTopicSink } = await import('../sinks/topics.ts');
      const topic = needed('topic', options, 'topic');
      const partitions = Number(options['partitions'] ?? 1);
      return createTopicSink({
        log,
        outputs: [topicOutput(topic, partitions, plan)],
        controlTopic: `${topic}.control`,
      });
    },
  },
};

export async function createStreamSink(spec: SinkSpec, plan: QueryPlan, source: OpenSource): Promise<Sink> {
  const format = Object.hasOwn(FORMATS, spec.format) ? FORMATS[spec.format] : undefined;
  if (format === undefined) {
    throw new TallystreamError('USAGE', {
      what: `There is no sink format ${JSON.stringify(spec.format)}.`,
      mend: `The formats are ${Object.keys(FORMATS).join(', ')}; or use foreachBatch.`,
    });
  }
  const unknown = Object.keys(spec.options).find((name) => !format.options.includes(name));
  if (unknown !== undefined) {
    throw new TallystreamError('USAGE', {
      what: `The sink ${spec.format} has no option ${JSON.stringify(unknown)}.`,
      mend: format.options.length === 0 ? 'It takes none.' : `Its options are ${format.options.join(', ')}.`,
    });
  }
  return format.create(spec.options, plan, source);
}

/** A record a row: its JSON, keyed by the group that it is of where the mode replaces groups. */
function topicOutput(topic: string, partitions: number, plan: QueryPlan): TopicOutput {
  const isKeyed = plan.outputMode !== 'append';
  return {
    topic,
    options: { partitions, ...(isKeyed ? { compacted: true } : {}) },
    *records(result, whole) {
      for (const { name, table } of result.outputs(whole)) {
        const keys = plan.aggregates.find((aggregate) => aggregate.name === name);
        for (let row = 0; row < table.count; row += 1) {
          const key = isKeyed && keys !== undefined ? jsonOfTableRow(table, row, keyNames(keys)) : null;
          yield {
            key: key === null ? null : Buffer.from(key),
            value: Buffer.from(jsonOfTableRow(table, row)),
          };
        }
      }
    },
  };
}

/** By Spark's names; `uncompressed` is its other word for none. */
function parquetCompression(text = 'snappy'): ParquetCompression {
  const name = text === 'uncompressed' ? 'none' : text;
  const known = PARQUET_COMPRESSIONS.find((each) => each === name);
  if (known !== undefined) return known;
  throw wrong('file', 'compression', text, `${PARQUET_COMPRESSIONS.join(', ')} for parquet`);
}

function keyNames({ keys }: Aggregate): readonly string[] {
  return keys.map(({ name }) => name);
}

function needed(format: string, options: Options, name: string): string {
  const value = options[name];
  if (value !== undefined) return value;
  throw new TallystreamError('USAGE', {
    what: `The sink ${format} needs the option ${name}.`,
    mend: `Write format('${format}', { ${name}: '…' }).`,
  });
}

function wrong(format: string, name: string, value: string, takes: string): TallystreamError {
  return new TallystreamError('USAGE', {
    what: `The option ${name} of the sink ${format} cannot be ${JSON.stringify(value)}.`,
    mend: `It takes ${takes}.`,
  });
}
