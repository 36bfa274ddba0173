/** Schemas as the operations of a frame change them, for the compiler. */
import type { Field, Schema } from '../../columns/schema/schema.ts';
import type { PathOf } from '../../columns/schema/paths.ts';
import type { NamedExpr } from '../../plan/expression/expr.ts';
import type { Selected, TypeOfKind } from '../stream-types.ts';

/** What can be selected: the path of a column or struct, or an expression with a name. */
export type Selection<S extends Schema> = PathOf<S> | NamedExpr<string>;

type SelectedField<S extends Schema, Key> =
  Key extends PathOf<S>
    ? Selected<S, Key>['fields'][number]
    : Key extends NamedExpr<infer Name, infer K>
      ? Field<Name, TypeOfKind<K>, false>
      : never;

/** The rows of `select(…)`. What an expression gives may be null. */
export type SelectedBy<S extends Schema, Key> = Schema<readonly SelectedField<S, Key>[]>;
