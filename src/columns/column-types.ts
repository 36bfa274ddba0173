/** Which column a type is kept in, for the compiler. */
import type {
  ArrayColumn,
  BooleanColumn,
  DecimalColumn,
  DictionaryColumn,
  NumberColumn,
  NumberKind,
  PrimitiveColumn,
  StringColumn,
} from './column-chunk.ts';
import type { ArrayType, FieldType, PrimitiveType, Schema, StringType } from './schema/schema.ts';
import type { LeafPathOf, TypeOfPath } from './schema/paths.ts';

type PrimitiveColumnOf<Type extends PrimitiveType> =
  Type extends StringType<infer Dictionary>
    ? Dictionary extends true
      ? DictionaryColumn
      : StringColumn
    : Type['kind'] extends 'boolean'
      ? BooleanColumn
      : Type['kind'] extends 'decimal' | 'long'
        ? DecimalColumn<Type['kind']>
        : Type['kind'] extends NumberKind
          ? NumberColumn<Type['kind']>
          : never;

type ArrayColumnOf<Items> = Items extends PrimitiveColumn ? ArrayColumn<Items> : never;

/** The column of a type: `ColumnOf<DateType>` is a `NumberColumn<'date'>`. A struct has none of its own. */
export type ColumnOf<Type extends FieldType> =
  Type extends ArrayType<infer Element>
    ? ArrayColumnOf<PrimitiveColumnOf<Element>>
    : Type extends PrimitiveType
      ? PrimitiveColumnOf<Type>
      : never;

export type ColumnAtPath<S extends Schema, Path extends LeafPathOf<S>> = ColumnOf<TypeOfPath<S, Path>>;

/** Every column of a schema by its path. */
export type ColumnsOf<S extends Schema> = {
  readonly [Path in LeafPathOf<S>]: ColumnAtPath<S, Path>;
};
