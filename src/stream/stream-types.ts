/** Schemas as the operations of a stream change them, for the compiler. Fields are a union: their order is not in the type. */
import type { Field, FieldType, Schema, TimestampType } from '../columns/schema/schema.ts';
import type { LeafPathOf, PathOf, RequiredAtPath, TypeOfPath } from '../columns/schema/paths.ts';
import type { StructType } from '../columns/schema/schema.ts';
import type { IsNamed, NamedExpr, Kind } from '../plan/expression/expr.ts';
import type { MeasureKind, MeasureSpecs, MeasureType } from '../plan/measure.ts';
import type { SessionWindowKey } from '../plan/session-window.ts';

type FieldOf<S extends Schema> = S['fields'][number];

/** The type of a field that holds values of a kind. */
export type TypeOfKind<K extends Kind> = Extract<FieldType, { readonly kind: K }>;

/** `S` with a computed column, in the place of one of its name or behind all. */
export type WithColumn<S extends Schema, Name extends string, K extends Kind> = Schema<
  readonly (Exclude<FieldOf<S>, { readonly name: Name }> | Field<Name, TypeOfKind<K>, false>)[]
>;

type LastName<Path extends string> = Path extends `${string}.${infer Rest}` ? LastName<Rest> : Path;

type FieldAtPath<S extends Schema, Path extends string> =
  Path extends PathOf<S> ? Field<LastName<Path>, TypeOfPath<S, Path>, RequiredAtPath<S, Path>> : never;

/** `S` with the columns at these paths alone. */
export type Selected<S extends Schema, Path extends string> = Schema<readonly FieldAtPath<S, Path>[]>;

/** What a grouping may be by: the path of a column, a named expression, or a window. */
export type GroupingKey<S extends Schema> = LeafPathOf<S> | NamedExpr<string> | SessionWindowKey;

/** What the compiler says of a key whose column would have no name in the rows. */
type NameIt =
  "A key needs a name: give the expression one with .alias('…'), or write the column's path as text";

/** The key, if it has a name; of a plain `Schema` the compiler knows none. */
export type NamedKey<S extends Schema, Key> =
  string extends LeafPathOf<S>
    ? Key
    : Key extends string | SessionWindowKey
      ? Key
      : IsNamed<Key> extends true
        ? Key
        : NameIt;

type SpanType = StructType<readonly [Field<'start', TimestampType, true>, Field<'end', TimestampType, true>]>;

type KeyField<S extends Schema, Key> = Key extends string
  ? FieldAtPath<S, Key>
  : Key extends SessionWindowKey<infer Name>
    ? Field<Name, SpanType, true>
    : Key extends NamedExpr<infer Name, infer K>
      ? Field<Name, K extends 'struct' ? SpanType : TypeOfKind<K>, false>
      : never;

/** Of no rows a count is 0; every other measure may be null. */
type IsCount<Kind extends MeasureKind> = Kind extends 'count' | 'approxCountDistinct' ? true : false;

type MeasureField<S extends Schema, Specs extends MeasureSpecs> = {
  [Name in keyof Specs & string]: Field<Name, MeasureType<S, Specs[Name]>, IsCount<Specs[Name]['kind']>>;
}[keyof Specs & string];

/** The rows of `groupBy(…keys).agg(measures)`. */
export type Aggregated<S extends Schema, Key, Specs extends MeasureSpecs> = Schema<
  readonly (KeyField<S, Key> | MeasureField<S, Specs>)[]
>;
