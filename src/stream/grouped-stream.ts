/** A stream with grouping keys, before its measures are known. */
import { leavesOf, type Schema } from '../columns/schema/schema.ts';
import { TallystreamError } from '../errors.ts';
import { schemaOfAggregate } from '../plan/aggregate-schema.ts';
import type { Expression } from '../plan/expression/node.ts';
import { outputName } from '../plan/expression/text.ts';
import type { CheckedMeasures, MeasureSpec, MeasureSpecs } from '../plan/measure.ts';
import type { GroupKey, Measure } from '../plan/query-plan.ts';
import { AggregatedStream } from './aggregated-stream.ts';
import { compute } from './computed.ts';
import { columnIn, fieldAt } from './scope.ts';
import type { StreamParts } from './stream-parts.ts';
import type { Aggregated, GroupingKey } from './stream-types.ts';
import type { StreamHost } from './stream-host.ts';

interface Keys {
  readonly parts: StreamParts;
  readonly keys: readonly GroupKey[];
}

/** A stream with grouping keys; `agg` computes its measures. */
export class GroupedStream<S extends Schema, Key> {
  private readonly host: StreamHost;
  private readonly grouped: Keys;

  constructor(host: StreamHost, parts: StreamParts, keys: readonly Key[]) {
    this.host = host;
    this.grouped = keysOf(parts, keys as readonly GroupingKey<Schema>[]);
  }

  /**
   * `agg({ total: sum('amount'), events: count() })`: one row per group, with its keys and then these measures.
   * @throws USAGE for a column that does not exist, or a measure that its type does not have
   */
  agg<const Specs extends MeasureSpecs>(
    measures: Specs & CheckedMeasures<S, Specs>,
  ): AggregatedStream<Aggregated<S, Key, Specs>> {
    const { parts, keys } = this.grouped;
    const found = Object.entries(measures as MeasureSpecs).map(([name, spec]) =>
      measureOf(parts, name, spec),
    );
    const aggregate = Object.freeze({ keys, measures: found });
    const ofSchema = schemaOfAggregate(aggregate, (column) => fieldOfColumn(parts, column));
    checkNames(ofSchema.fields.map(({ name }) => name));
    return new AggregatedStream(this.host, { aggregate, schema: ofSchema, parts });
  }
}

/** A window comes first, as in the plan. */
function keysOf(parts: StreamParts, keys: readonly GroupingKey<Schema>[]): Keys {
  let state: Keys = { parts, keys: [] };
  for (const key of keys) state = withKey(state, key);
  const isWindow = ({ kind }: GroupKey): boolean => kind === 'window' || kind === 'sessionWindow';
  const windows = state.keys.filter(isWindow);
  if (windows.length > 1) {
    throw new TallystreamError('USAGE', {
      what: 'groupBy: a grouping has at most one window.',
      hint: 'Make one aggregate per window.',
    });
  }
  return { ...state, keys: [...windows, ...state.keys.filter((key) => !isWindow(key))] };
}

function withKey({ parts, keys }: Keys, key: GroupingKey<Schema>): Keys {
  const added = (to: StreamParts, one: GroupKey): Keys => ({
    parts: to,
    keys: [...keys, Object.freeze(one)],
  });
  if (typeof key === 'string') {
    const column = columnIn(parts.scope, key, 'groupBy');
    return added(parts, { kind: 'column', name: key.slice(key.lastIndexOf('.') + 1), column });
  }
  if ('sessionWindow' in key) {
    const { of, gapMs } = key.sessionWindow;
    const time = columnOf(parts, of, `${key.name}:time`);
    return added(time.parts, { kind: 'sessionWindow', name: key.name, column: time.column, gapMs });
  }
  const name = outputName(key);
  const node = key.node.kind === 'alias' ? key.node.of : key.node;
  if (node.kind === 'window') {
    const { sizeMs, slideMs, startMs } = node;
    const time = columnOf(parts, node.of, `${name}:time`);
    return added(time.parts, { kind: 'window', name, column: time.column, sizeMs, slideMs, startMs });
  }
  const day = dayOf(parts, node);
  if (day !== undefined) return added(parts, { kind: 'date', name, column: day });
  const { column, parts: computed } = columnOf(parts, node, name);
  return added(computed, { kind: 'column', name, column });
}

/** The column of an instant, where the expression is its day by the query's zone. */
function dayOf({ scope }: StreamParts, node: Expression): string | undefined {
  if (node.kind !== 'datePart' || node.part !== 'date' || node.zone !== null) return undefined;
  if (node.of.kind !== 'column' || fieldAt(scope.schema, node.of.path)?.type.kind !== 'timestamp')
    return undefined;
  return columnIn(scope, node.of.path, 'groupBy');
}

/** The column of an expression: its own, or one that is computed. */
function columnOf(
  parts: StreamParts,
  node: Expression,
  name: string,
): { readonly parts: StreamParts; readonly column: string } {
  if (node.kind === 'column') return { parts, column: columnIn(parts.scope, node.path, 'groupBy') };
  return compute(parts, name, node, 'groupBy');
}

function measureOf(parts: StreamParts, name: string, spec: MeasureSpec): Measure {
  const { kind, column: path, relativeError = 0.05 } = spec;
  const where = `agg({ ${name}: ${kind}(…) })`;
  if (path === undefined) {
    if (kind === 'count') return { kind, name };
    throw new TallystreamError('USAGE', {
      what: `${where} needs a column.`,
      hint: "Name one: sum('amount').",
    });
  }
  const column = columnIn(parts.scope, path, where);
  return kind === 'approxCountDistinct' ? { kind, name, column, relativeError } : { kind, name, column };
}

function fieldOfColumn({ input, steps }: StreamParts, column: string) {
  const leaf = leavesOf(input).find(({ path }) => path === column);
  if (leaf !== undefined) return leaf;
  for (const step of steps) {
    if (step.kind === 'withColumn' && step.name === column) return { type: step.type, required: false };
  }
  throw new TallystreamError('USAGE', { what: `There is no column ${column}.` });
}

function checkNames(names: readonly string[]): void {
  const folded = names.map((name) => name.toLowerCase());
  const twice = names.find((_, index) => folded.indexOf(folded[index] as string) !== index);
  if (twice === undefined) return;
  throw new TallystreamError('USAGE', {
    what: `agg: two columns of the result would be named ${twice}.`,
    why: 'SQL ignores case in names.',
    hint: 'Give one of them another name.',
  });
}
