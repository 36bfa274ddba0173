/**
 * The rows that a `foreachBatch(batch, batchId)` handler receives: typed columns, with the operations of Structured
 * Streaming's DataFrame. Operations run immediately. None changes a frame or copies rows: frames share their columns,
 * and each knows which rows it has.
 */
import { rowOf, type RowOf } from '../../columns/rows.ts';
import { leavesOf, type Schema } from '../../columns/schema/schema.ts';
import type { LeafPathOf } from '../../columns/schema/paths.ts';
import { ColumnTable } from '../../columns/table.ts';
import { TimeZone } from '../../columns/values/timezone.ts';
import { TallystreamError } from '../../errors.ts';
import { compileExpression } from '../../operators/expression/compile.ts';
import { typeOf } from '../../plan/expression/analyze.ts';
import { wholeOf } from '../../plan/expression/whole-condition.ts';
import { columnsOf, type Columns } from '../../plan/expression/columns-of.ts';
import type { Expr, Kind } from '../../plan/expression/expr.ts';
import { outputName } from '../../plan/expression/text.ts';
import type { CheckedMeasures, MeasureSpecs } from '../../plan/measure.ts';
import type { ArrowTable } from './arrow-module.ts';
import { arrowTableOf } from './arrow.ts';
import { firstOfEach } from './distinct.ts';
import { aggregated, groupingOf, type Grouping } from './group.ts';
import { jsonOf, type JsonOptions } from './json.ts';
import { ordered, type SortableKind, type SortKey, type SortPath } from './order.ts';
import {
  fieldOfExpression,
  fieldOfPath,
  fieldsOf,
  leafColumn,
  partsOf,
  rowAt,
  withFields,
  withRows,
  type FrameContext,
  type FrameParts,
} from './parts.ts';
import { tableOfRows } from './rows.ts';
import { checkCount, shown } from './show.ts';
import type { SelectedBy, Selection } from './types.ts';
import type { Aggregated, GroupingKey, NamedKey, WithColumn } from '../stream-types.ts';

const ROWS_SHOWN = 20;

const DEFAULTS: FrameContext = { zone: TimeZone.of('UTC'), hashKey: new Uint8Array(16) };

/** Where a frame's text goes; standard output is one. */
export interface TextOutput {
  write(text: string): unknown;
}

/** A condition, or a function of the columns that gives one. */
export type Condition<S extends Schema> = Expr<'boolean'> | ((columns: Columns<S>) => Expr<'boolean'>);

type SortBy<S extends Schema> = SortPath<S> | SortKey<SortPath<S>> | Expr<SortableKind>;

/** A table of typed columns: the rows of a batch, with a DataFrame's operations. Each operation returns a new frame. */
export class Frame<S extends Schema> implements Iterable<RowOf<S>> {
  private readonly parts: FrameParts<S>;

  /** The rows that a table has now: it may grow while the frame is used, but must not be cleared. Or parts of a frame. */
  constructor(of: ColumnTable<S> | FrameParts<S>, context: Partial<FrameContext> = {}) {
    this.parts = of instanceof ColumnTable ? partsOf(of, { ...DEFAULTS, ...context }) : of;
  }

  /**
   * A frame of rows in the form that `toRows` returns, to test handlers.
   * @throws TallystreamError `USAGE` for a value that its field cannot have
   */
  static fromRows<S extends Schema>(
    schema: S,
    rows: Iterable<RowOf<NoInfer<S>>>,
    context: Partial<FrameContext> = {},
  ): Frame<S> {
    return new Frame(tableOfRows(schema, rows), context);
  }

  /** The fields of a row. */
  get schema(): S {
    return this.parts.batch.schema;
  }

  /** Every column as an expression: `batch.filter(batch.columns.quantity.gt(3))`. */
  get columns(): Columns<S> {
    return columnsOf(this.schema);
  }

  /** How many rows there are. */
  count(): number {
    return this.parts.count;
  }

  /**
   * Keeps only these columns: `select('id', 'location.city')`. With computed columns: `select(({ price, quantity }) =>
   * ['id', price.times(quantity).alias('total')])`. A field of a struct is named by the last part of its path. @throws
   * TallystreamError `USAGE`, `EXPRESSION_FAILED`
   */
  select<const Key extends Selection<S>>(
    keys: (columns: Columns<S>) => readonly Key[],
  ): Frame<SelectedBy<S, Key>>;
  select<const Key extends Selection<S>>(...keys: readonly Key[]): Frame<SelectedBy<S, Key>>;
  select<const Key extends Selection<S>>(...keys: KeysOrFunction<S, Key>): Frame<SelectedBy<S, Key>> {
    const fields = this.listed(keys).map((key) =>
      typeof key === 'string'
        ? fieldOfPath(this.parts, key, 'select')
        : fieldOfExpression(this.parts, outputName(key), key.node, 'select'),
    );
    return this.derived(withFields(this.parts, fields, 'select'));
  }

  /**
   * Adds a computed column, or replaces the one of this name. @throws TallystreamError `USAGE`; `EXPRESSION_FAILED` if
   * the expression has no value for a row, such as a division by zero
   */
  withColumn<const Name extends string, K extends Kind>(
    name: Name,
    compute: Expr<K> | ((columns: Columns<S>) => Expr<K>),
  ): Frame<WithColumn<S, Name, K>> {
    const where = `withColumn('${name}')`;
    const { node } = typeof compute === 'function' ? compute(this.columns) : compute;
    const computed = fieldOfExpression(this.parts, name, node, where);
    const fields = fieldsOf(this.parts);
    const isThere = fields.some(({ field }) => field.name === name);
    const others = fields.map((one) => (one.field.name === name ? computed : one));
    return this.derived(withFields(this.parts, isThere ? others : [...others, computed], where));
  }

  /** Keeps the rows for which the condition is true (not null). @throws TallystreamError `USAGE`, `EXPRESSION_FAILED` */
  filter(condition: Condition<S>): Frame<S> {
    const { batch, context, count } = this.parts;
    const { node } =
      typeof condition === 'function' ? wholeOf('filter', () => condition(this.columns)) : condition;
    const { kind } = typeOf(node, batch.schema, 'filter');
    if (kind !== 'boolean') {
      throw new TallystreamError('USAGE', {
        what: `filter needs a condition, but this expression is ${kind}.`,
        hint: 'Compare it with something, such as `.gt(0)`.',
      });
    }
    const { at } = compileExpression(node, batch, context.zone);
    const kept = new Int32Array(count);
    let length = 0;
    for (let place = 0; place < count; place += 1) {
      const row = rowAt(this.parts, place);
      if (at(row) !== true) continue;
      kept[length] = row;
      length += 1;
    }
    return length === count ? this : new Frame(withRows(this.parts, kept.slice(0, length)));
  }

  /** As `filter`. */
  where(condition: Condition<S>): Frame<S> {
    return this.filter(condition);
  }

  /**
   * `groupBy('currency')`, or `groupBy(({ timestamp }) => [window(timestamp, '1 minute'), 'currency'])`; then
   * `.agg({ total: sum('amount') })`. @throws TallystreamError `USAGE`, `EXPRESSION_FAILED`
   */
  groupBy<const Key extends GroupingKey<S>>(
    ...keys: readonly (Key & NamedKey<S, Key>)[]
  ): GroupedFrame<S, Key>;
  groupBy<const Key extends GroupingKey<S>>(
    keys: (columns: Columns<S>) => readonly (Key & NamedKey<S, Key>)[],
  ): GroupedFrame<S, Key>;
  groupBy<const Key extends GroupingKey<S>>(...keys: KeysOrFunction<S, Key>): GroupedFrame<S, Key> {
    const list = this.listed(keys) as readonly GroupingKey<Schema>[];
    return new GroupedFrame(groupingOf(this.parts, list));
  }

  /** Aggregates all rows into one: `agg({ total: sum('amount'), events: count() })`. @throws as `groupBy(…).agg` */
  agg<const Specs extends MeasureSpecs>(
    measures: Specs & CheckedMeasures<S, Specs>,
  ): Frame<Aggregated<S, never, Specs>> {
    return new GroupedFrame<S, never>(groupingOf(this.parts, [])).agg<Specs>(measures);
  }

  /**
   * Sorts the rows: `orderBy('day', desc('total'))`, or `orderBy(({ price }) => [desc(price.times(2))])`. Nulls come
   * first, or last after `desc`. Text is ordered by code point. Rows that are equal keep their order. @throws USAGE
   */
  orderBy(keys: (columns: Columns<S>) => readonly SortBy<S>[]): Frame<S>;
  orderBy(...keys: readonly SortBy<S>[]): Frame<S>;
  orderBy(...keys: KeysOrFunction<S, SortBy<S>>): Frame<S> {
    return new Frame(ordered(this.parts, this.listed(keys)));
  }

  /** The first `rowsMax` rows. @throws TallystreamError `USAGE` unless `rowsMax` is a whole number, 0 or more */
  limit(rowsMax: number): Frame<S> {
    checkCount(rowsMax, 'limit');
    const { rows, count } = this.parts;
    if (rowsMax >= count) return this;
    return new Frame(Object.freeze({ ...this.parts, rows: rows?.subarray(0, rowsMax), count: rowsMax }));
  }

  /** Keeps the first of all rows that are equal in every column. */
  distinct(): Frame<S> {
    return this.dropDuplicates();
  }

  /** Keeps the first of all rows that are equal in these columns, or in all columns if none is named. @throws USAGE */
  dropDuplicates(...paths: readonly LeafPathOf<S>[]): Frame<S> {
    const chosen = paths.length > 0 ? paths : leavesOf(this.schema).map(({ path }) => path);
    const columns = chosen.map((path) => leafColumn(this.parts, path, 'dropDuplicates'));
    return new Frame(firstOfEach(this.parts, columns));
  }

  /** The first row; undefined if there is none. */
  first(): RowOf<S> | undefined {
    return this.parts.count === 0 ? undefined : rowOf(this.parts.batch, rowAt(this.parts, 0));
  }

  /** All rows as objects. */
  toRows(): RowOf<S>[] {
    return [...this];
  }

  /** `for (const row of batch)`: creates row objects one at a time. */
  *[Symbol.iterator](): Generator<RowOf<S>, void, undefined> {
    for (let place = 0; place < this.parts.count; place += 1) {
      yield rowOf(this.parts.batch, rowAt(this.parts, place));
    }
  }

  /** One line of JSON per row, without line ends, created one at a time; see {@link JsonOptions}. */
  *toJson(options: JsonOptions = {}): Generator<string, void, undefined> {
    for (let place = 0; place < this.parts.count; place += 1) {
      yield jsonOf(this.parts.batch, rowAt(this.parts, place), options);
    }
  }

  /** Prints the first rows as a table, and an empty line, as Spark does; see {@link shown}. @throws USAGE */
  show(rowsMax = ROWS_SHOWN, truncate: boolean | number = true, out: TextOutput = process.stdout): void {
    out.write(`${this.showString(rowsMax, truncate)}\n`);
  }

  /** What `show` prints. @throws TallystreamError `USAGE` */
  showString(rowsMax = ROWS_SHOWN, truncate: boolean | number = true): string {
    return shown(this.parts, rowsMax, truncate);
  }

  /**
   * The rows as an Apache Arrow table: `await batch.toArrow<arrow.Table>()`. Decimals become Decimal128, longs Int64,
   * timestamps microseconds in UTC, and dates days.
   * @throws TallystreamError `USAGE` if the package apache-arrow is not installed
   */
  async toArrow<Table = ArrowTable>(): Promise<Table> {
    return (await arrowTableOf(this.parts)) as Table;
  }

  private listed<Key>(keys: KeysOrFunction<S, Key>): readonly Key[] {
    const [first] = keys;
    if (typeof first !== 'function') return keys as readonly Key[];
    return (first as (columns: Columns<S>) => readonly Key[])(this.columns);
  }

  /** The type says of the schema what `parts` has. */
  private derived<T extends Schema>(parts: FrameParts): Frame<T> {
    return new Frame(parts as FrameParts<T>);
  }
}

type KeysOrFunction<S extends Schema, Key> =
  readonly Key[] | readonly [(columns: Columns<S>) => readonly Key[]];

/** A frame with grouping keys; `agg` computes its measures. */
export class GroupedFrame<S extends Schema, Key> {
  private readonly grouping: Grouping;

  constructor(grouping: Grouping) {
    this.grouping = grouping;
  }

  /**
   * `agg({ total: sum('amount'), events: count() })`: one row per group, with its keys and then these measures. Groups
   * are in the order of their first rows. @throws TallystreamError `USAGE`, `SUM_OVERFLOW`, `STATE_TOO_LARGE`
   */
  agg<const Specs extends MeasureSpecs>(
    measures: Specs & CheckedMeasures<S, Specs>,
  ): Frame<Aggregated<S, Key, Specs>> {
    const table = aggregated(this.grouping, measures) as ColumnTable<Aggregated<S, Key, Specs>>;
    return new Frame(table, this.grouping.parts.context);
  }
}
