/** Aggregates of a stream: what a query keeps and emits. */
import type { Schema } from '../columns/schema.ts';
import { TallystreamError } from '../errors.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { planOf, type Outputs, type PlanSettings } from './plan-of.ts';
import type { StreamHost } from './stream-host.ts';
import type { StreamWriter, TablesWriter } from './stream-writer.ts';
import type { AggregateParts, StreamParts } from './stream-parts.ts';

/** An aggregate of any schema. */
export type AnyAggregated = Pick<AggregatedStream<Schema>, 'parts' | 'schema'>;

/** The groups of a stream: a row for each, with its keys and its measures. */
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
    return this.host.createWriter<S>({
      parts: this.parts.parts,
      aggregates: { result: this.parts },
    });
  }
}

/** The schema of each of several aggregates, by name. */
export type SchemasOf<Each extends Readonly<Record<string, AnyAggregated>>> = {
  readonly [Name in keyof Each]: Each[Name]['schema'];
};

/** Several aggregates of one stream, fed by one read of the source. */
export class AggregatedStreams<Schemas extends Readonly<Record<string, Schema>>> {
  private readonly host: StreamHost;
  private readonly outputs: Outputs;

  constructor(host: StreamHost, base: StreamParts, each: Readonly<Record<string, AnyAggregated>>) {
    this.host = host;
    const aggregates = Object.fromEntries(Object.entries(each).map(([name, { parts }]) => [name, parts]));
    this.outputs = { parts: joined(base, Object.values(aggregates)), aggregates };
  }

  /** The plan as frozen data, for whoever carries it out by other means. @throws USAGE */
  plan(settings: PlanSettings): QueryPlan {
    return planOf(this.outputs, settings);
  }

  /** How the rows of all of them are written, each table under its name. */
  get writeStream(): TablesWriter<Schemas> {
    return this.host.createTablesWriter<Schemas>(this.outputs);
  }
}

/** The stream with the computed columns of all aggregates; one that two of them made under one name is one. */
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

function otherStream(): TallystreamError {
  return new TallystreamError('USAGE', {
    what: 'aggregateEach: an aggregate is of another stream than the one that it was given.',
    why: 'All of them are fed by one read of the source, so what filters it stands before.',
    mend: 'Filter before aggregateEach, or start a query for each.',
  });
}

function nameTwice(name: string): TallystreamError {
  return new TallystreamError('USAGE', {
    what: `aggregateEach: two aggregates compute a column ${name}, each another one.`,
    mend: 'Give one of them another name.',
  });
}
