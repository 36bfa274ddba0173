/** The sinks that `writeStream.format('…')` knows, each from its options; imported when it is asked for and not before. */
import type { Sink, TopicOutput } from '../contracts/sink.ts';
import type { Aggregate, QueryPlan } from '../plan/query-plan.ts';
import { refuseOption } from '../options/option.ts';
import { readSinkOptions, SINKS, type SinkFormat, type SinkValues } from '../options/sink-options.ts';
import type { OpenSource, SinkSpec } from '../stream/stream-host.ts';
import { jsonOfTableRow } from '../columns/format/table-json.ts';

const CREATE: {
  readonly [Format in SinkFormat]: (
    options: SinkValues<Format>,
    plan: QueryPlan,
    source: OpenSource,
  ) => Promise<Sink>;
} = {
  async console(options, { timeZone }) {
    const { createConsoleSink } = await import('../sinks/console-tables.ts');
    return createConsoleSink({ stream: process.stdout, timeZone, ...options });
  },
  async memory() {
    const { createMemorySink } = await import('../sinks/memory.ts');
    return createMemorySink();
  },
  async table({ path, table }, { outputMode, aggregates }) {
    const { createTableSink } = await import('../sinks/table.ts');
    return createTableSink({
      path: path!,
      outputMode,
      keyColumns: Object.fromEntries(aggregates.map((aggregate) => [aggregate.name, keyNames(aggregate)])),
      ...(table === undefined ? {} : { tableOf: () => table }),
    });
  },
  async file({ path, fileFormat, compression }) {
    const { createFileSink } = await import('../sinks/file.ts');
    const name = compression === 'uncompressed' ? 'none' : compression;
    if (fileFormat === 'parquet') {
      return createFileSink({ path: path!, format: fileFormat, compression: name ?? 'snappy' });
    }
    if (name !== undefined && name !== 'gzip' && name !== 'none') {
      throw refuseOption(SINKS.file, 'compression', name, 'gzip or none for ndjson');
    }
    return createFileSink({ path: path!, format: fileFormat, gzip: name === 'gzip' });
  },
  async topic({ topic, partitions }, plan, { log }) {
    const { createTopicSink } = await import('../sinks/topics.ts');
    return createTopicSink({
      log,
      outputs: [topicOutput(topic!, partitions, plan)],
      controlTopic: `${topic!}.control`,
    });
  },
};

export async function createStreamSink(
  { format, options }: SinkSpec,
  plan: QueryPlan,
  source: OpenSource,
): Promise<Sink> {
  const create = CREATE[format] as (options: unknown, plan: QueryPlan, source: OpenSource) => Promise<Sink>;
  return create(readSinkOptions(format, options), plan, source);
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

function keyNames({ keys }: Aggregate): readonly string[] {
  return keys.map(({ name }) => name);
}
