/** Aggregates of a stream: what a query keeps and emits. */
import type { Schema } from '../columns/schema/schema.ts';
import { TallystreamError } from '../errors.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { planOf, type Outputs, type PlanSettings } from './plan-of.ts';
import type { StreamHost } from './stream-host.ts';
import { StreamWriter, TablesWriter } from './stream-writer.ts';
import type { AggregateParts, StreamParts } from './stream-parts.ts';

/** The compiler's message for an operation after an aggregation. */
type InForeachBatch =
  'After an aggregation, do this in foreachBatch((batch) => …): its batch has filter, select, groupBy and the others';

/** An aggregate of any schema. */
export type AnyAggregated = Pick<AggregatedStream<Schema>, 'parts' | 'schema'>;

/** The groups of a stream: one row per group, with its keys and its measures. */
export class AggregatedStream<S extends Schema> {
  private readonly host: StreamHost;
  /** For `aggregateEach`, which puts several together. */
  readonly parts: AggregateParts;

  constructor(host: StreamHost, parts: AggregateParts) {
    this.host = host;
    this.parts = parts;
  }

  /** The fields of a row: the keys, then the measures. */
  get schema(): S {
    return this.parts.schema as S;
  }

  /** How the rows are written: append, update or complete. */
  get writeStream(): StreamWriter<S> {
    return new StreamWriter<S>(this.host, {
      parts: this.parts.parts,
      aggregates: { result: this.parts },
    });
  }

  /** Not available after an aggregation: use `foreachBatch((batch) => batch.filter(…))`. @throws USAGE */
  filter(..._condition: readonly InForeachBatch[]): never {
    throw behindAggregate('filter');
  }

  /** Not available after an aggregation: use `foreachBatch((batch) => batch.select(…))`. @throws USAGE */
  select(..._columns: readonly InForeachBatch[]): never {
    throw behindAggregate('select');
  }

  /**
   * Not available after an aggregation: use `foreachBatch((batch) => batch.select(…))`, which also computes. @throws
   * USAGE
   */
  withColumn(..._column: readonly InForeachBatch[]): never {
    throw behindAggregate('withColumn');
  }

  /** Not available after an aggregation: use `foreachBatch((batch) => batch.groupBy(…).agg({ … }))`. @throws USAGE */
  groupBy(..._keys: readonly InForeachBatch[]): never {
    throw behindAggregate('groupBy');
  }
}

/** The schema of each of several aggregates, by name. */
export type SchemasOf<Each extends Readonly<Record<string, AnyAggregated>>> = {
  readonly [Name in keyof Each]: Each[Name]['schema'];
};

/** Several aggregates of one stream, which share one read of the source. */
export class AggregatedStreams<Schemas extends Readonly<Record<string, Schema>>> {
  private readonly host: StreamHost;
  private readonly outputs: Outputs;

  constructor(host: StreamHost, base: StreamParts, each: Readonly<Record<string, AnyAggregated>>) {
    this.host = host;
    const aggregates = Object.fromEntries(Object.entries(each).map(([name, { parts }]) => [name, parts]));
    this.outputs = { parts: joined(base, Object.values(aggregates)), aggregates };
  }

  /** The plan as frozen data, to run it by other means. @throws USAGE */
  plan(settings: PlanSettings): QueryPlan {
    return planOf(this.outputs, settings);
  }

  /** How the rows of all of them are written, each table under its name. */
  get writeStream(): TablesWriter<Schemas> {
    return new TablesWriter<Schemas>(this.host, this.outputs);
  }
}

/** The stream with the computed columns of all aggregates. Equal columns of one name are merged. */
function joined(base: StreamParts, aggregates: readonly AggregateParts[]): StreamParts {
  const steps = [...base.steps];
  for (const { parts } of aggregates) {
    if (parts.steps.length < base.steps.length || parts.input !== base.input) throw otherStream();
    for (const step of parts.steps.slice(base.steps.length)) {
      if (step.kind === 'filter') throw otherStream();
      const same = steps.find((other) => other.kind === 'withColumn' && other.name === step.name);
      if (same === undefined) steps.push(step);
      else if (JSON.stringify(same) !== JSON.stringify(step)) throw nameTwice(step.name);
    }
  }
  return { ...base, steps };
}

function behindAggregate(operation: string): TallystreamError {
  return new TallystreamError('USAGE', {
    what: `${operation} cannot follow an aggregation.`,
    why: 'A query emits its groups as they are; to work on them, use the rows of each batch.',
    hint: `Call it before groupBy, or on the rows of a batch: foreachBatch((batch) => batch.${operation === 'withColumn' ? 'select' : operation}(…)).`,
  });
}

function otherStream(): TallystreamError {
  return new TallystreamError('USAGE', {
    what: 'aggregateEach: an aggregate belongs to a different stream.',
    why: 'All aggregates share one read of the source, so its filters come first.',
    hint: 'Filter before aggregateEach, or start one query per aggregate.',
  });
}

function nameTwice(name: string): TallystreamError {
  return new TallystreamError('USAGE', {
    what: `aggregateEach: two aggregates define the column ${name} differently.`,
    hint: 'Give one of them another name.',
  });
}
