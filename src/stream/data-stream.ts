/**
 * A stream of events: Structured Streaming's streaming DataFrame. Each operation returns a new stream. Nothing runs
 * until a query starts.
 */
import { leavesOf, type Schema } from '../columns/schema/schema.ts';
import type { LeafPathOf, PathOf, PathOfKind } from '../columns/schema/paths.ts';
import { columnsOf, type Columns } from '../plan/expression/columns-of.ts';
import type { Expr, Kind } from '../plan/expression/expr.ts';
import { typeOf } from '../plan/expression/analyze.ts';
import { faultOfRule, type Rule, type RuleFor } from '../plan/rule.ts';
import { wholeOf } from '../plan/expression/whole-condition.ts';
import { durationMs, type DurationText } from '../plan/window.ts';
import { TallystreamError } from '../errors.ts';
import { compute } from './computed.ts';
import { GroupedStream } from './grouped-stream.ts';
import { columnIn, expressionIn, fieldAt, selected } from './scope.ts';
import type { StreamParts } from './stream-parts.ts';
import type { GroupingKey, NamedKey, Selected, WithColumn } from './stream-types.ts';
import type { StreamHost } from './stream-host.ts';
import { StreamWriter } from './stream-writer.ts';
import { AggregatedStreams, type AnyAggregated, type SchemasOf } from './aggregated-stream.ts';

/** A stream of events. Each operation returns a new stream, and nothing runs before `start`. */
export class DataStream<S extends Schema> {
  private readonly host: StreamHost;
  private readonly parts: StreamParts;

  constructor(host: StreamHost, parts: StreamParts) {
    this.host = host;
    this.parts = parts;
  }

  /** The fields of an event, as the next operation sees them. */
  get schema(): S {
    return this.parts.scope.schema as S;
  }

  /**
   * Keeps only these columns. Each is named by the last part of its path. @throws USAGE if there is no such column, or
   * two have one name
   */
  select<const Path extends PathOf<S>>(...paths: readonly Path[]): DataStream<Selected<S, Path>> {
    return new DataStream(this.host, { ...this.parts, scope: selected(this.parts.scope, paths) });
  }

  /**
   * Adds a computed column, or replaces the one of this name. An event for which the expression has no value, such as
   * a division by zero, becomes a dead letter. @throws USAGE if the expression has no type
   */
  withColumn<const Name extends string, K extends Kind>(
    name: Name,
    compute_: (columns: Columns<S>) => Expr<K>,
  ): DataStream<WithColumn<S, Name, K>> {
    const { node } = wholeOf(`withColumn('${name}')`, () => compute_(columnsOf(this.schema)));
    return new DataStream(this.host, compute(this.parts, name, node, `withColumn('${name}')`).parts);
  }

  /**
   * Keeps the events for which the condition is true. The others count as accepted, but are not processed further. The
   * position matters: after `withWatermark`, a removed event has already advanced the watermark; after
   * `dropDuplicatesWithinWatermark`, its repeats are duplicates. Combine conditions with `a.and(b)` and `a.or(b)`,
   * never with `&&` and `||`. @throws USAGE if it is not a condition
   */
  filter(condition: (columns: Columns<S>) => Expr<'boolean'>): DataStream<S> {
    const { node } = wholeOf('filter', () => condition(columnsOf(this.schema)));
    const { kind } = typeOf(node, this.schema, 'filter');
    if (kind !== 'boolean') throw notCondition(kind);
    const { watermark, dedupe, scope } = this.parts;
    const behind = [
      ...(watermark === null ? [] : ['watermark' as const]),
      ...(dedupe === null ? [] : ['dedupe' as const]),
    ];
    const step = {
      kind: 'filter' as const,
      condition: expressionIn(scope, node, 'filter'),
      ...(behind.length > 0 && { behind: Object.freeze(behind) }),
    };
    return new DataStream(this.host, { ...this.parts, steps: [...this.parts.steps, Object.freeze(step)] });
  }

  /** As `filter`. */
  where(condition: (columns: Columns<S>) => Expr<'boolean'>): DataStream<S> {
    return this.filter(condition);
  }

  /**
   * Rules that every event must meet in addition to its types. They are checked in this order. An event that breaks
   * one becomes a dead letter with the rule's reason. Rules apply to events as they are read, so call this before
   * filters and computed columns.
   * @throws USAGE after a filter, or for a field that the rule cannot be applied to
   */
  validate(rules: readonly RuleFor<S>[]): DataStream<S> {
    if (this.parts.steps.some(({ kind }) => kind === 'filter')) {
      throw new TallystreamError('USAGE', {
        what: 'validate: it follows a filter.',
        why: 'Rules are checked when an event is read, so they would also reject events that the filter removes.',
        hint: 'Call validate before filter.',
      });
    }
    const leaves = leavesOf(this.parts.input);
    for (const rule of rules as readonly Rule[]) {
      const fault = faultOfRule(rule, leaves);
      if (fault === undefined) continue;
      throw new TallystreamError('USAGE', {
        what: `validate: ${fault}.`,
        why: 'Rules apply to events as they are read, before any column is computed.',
        hint: 'Use a field of that type.',
      });
    }
    return new DataStream(this.host, {
      ...this.parts,
      rules: [...this.parts.rules, ...(rules as readonly Rule[])],
    });
  }

  /**
   * Sets the column of event time, and the delay: an event that is older than the newest event of its partition by
   * more than this is late. With `off`, no event is late and nothing that is remembered is ever forgotten.
   * @throws USAGE if there is a watermark already, the column is not a timestamp, or the delay is negative
   */
  withWatermark(column: PathOfKind<S, 'timestamp'>, delay: DurationText | 'off'): DataStream<S> {
    if (this.parts.watermark !== null) {
      throw new TallystreamError('USAGE', {
        what: `withWatermark('${column}'): the stream already has a watermark.`,
        hint: 'Call it once: a stream has one event time.',
      });
    }
    const delayMs = delay === 'off' ? null : durationMs(delay);
    if (delayMs !== null && delayMs < 0) {
      throw new TallystreamError('USAGE', {
        what: `withWatermark('${column}', '${delay}'): a delay cannot be negative.`,
        hint: "Use '0 seconds' or more.",
      });
    }
    const kind = fieldAt(this.schema, column)?.type.kind ?? 'timestamp';
    if (kind !== 'timestamp') {
      throw new TallystreamError('USAGE', {
        what: `withWatermark needs a timestamp, but ${column} is ${kind}.`,
        hint: 'Use a column of type timestamp.',
      });
    }
    const watermark = {
      column: columnIn(this.parts.scope, column, 'withWatermark'),
      delayMs,
    };
    return new DataStream(this.host, { ...this.parts, watermark });
  }

  /**
   * Accepts each combination of these columns once, until the watermark has passed it. A repeat of the same event is a
   * duplicate. A different event with the same values is rejected as a conflict. @throws USAGE if it is called twice
   */
  dropDuplicatesWithinWatermark(...columns: readonly [LeafPathOf<S>, ...LeafPathOf<S>[]]): DataStream<S> {
    const where = 'dropDuplicatesWithinWatermark';
    if (this.parts.dedupe !== null) {
      throw new TallystreamError('USAGE', {
        what: `${where}: the stream already drops duplicates.`,
        hint: 'Name all columns that identify an event in one call.',
      });
    }
    const dedupe = { columns: columns.map((path) => columnIn(this.parts.scope, path, where)) };
    return new DataStream(this.host, { ...this.parts, dedupe });
  }

  /**
   * `groupBy('currency')`, or `groupBy(({ timestamp }) => [window(timestamp, '1 minute'), 'currency'])`. In TypeScript
   * an expression needs a name, as in `upper(city).alias('city')`. In JavaScript an expression without one is named by
   * its text, as in Spark. @throws USAGE for a key that is not a single value
   */
  groupBy<const Key extends GroupingKey<S>>(
    ...keys: readonly (Key & NamedKey<S, Key>)[]
  ): GroupedStream<S, Key>;
  groupBy<const Key extends GroupingKey<S>>(
    keys: (columns: Columns<S>) => readonly (Key & NamedKey<S, Key>)[],
  ): GroupedStream<S, Key>;
  groupBy<const Key extends GroupingKey<S>>(
    ...keys: readonly Key[] | readonly [(columns: Columns<S>) => readonly Key[]]
  ): GroupedStream<S, Key> {
    const [first] = keys;
    const list = typeof first === 'function' ? first(columnsOf(this.schema)) : (keys as readonly Key[]);
    return new GroupedStream<S, Key>(this.host, this.parts, list);
  }

  /**
   * Several aggregates by name, which share one read of the source. @throws USAGE if one belongs to a different stream
   */
  aggregateEach<const Each extends Readonly<Record<string, AnyAggregated>>>(
    each: (stream: this) => Each,
  ): AggregatedStreams<SchemasOf<Each>> {
    return new AggregatedStreams<SchemasOf<Each>>(this.host, this.parts, each(this));
  }

  /** Starts a query whose results are the events themselves. */
  get writeStream(): StreamWriter<S> {
    return new StreamWriter<S>(this.host, { parts: this.parts, aggregates: {} });
  }
}

function notCondition(kind: string): TallystreamError {
  return new TallystreamError('USAGE', {
    what: `filter needs a condition, but this expression is ${kind}.`,
    hint: 'Compare it with something, such as `.gt(0)`.',
  });
}
