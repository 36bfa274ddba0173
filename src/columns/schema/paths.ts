/**
 * The paths of a schema as types. A function that takes a `PathOf<S>` is refused by the compiler with the names that
 * there are: `Argument of type '"amuont"' is not assignable to parameter of type '"id" | "amount" | …'`. One that takes
 * a {@link PathOfKind} refuses what it cannot work on in the same words, such as a sum over text. For a plain `Schema`,
 * whose fields the compiler does not know, every path is a `string`.
 */
import type { Field, FieldType, LeafType, Schema, StructType } from './schema.ts';

/** A path, its type, and whether every accepted event has a value there. */
interface Entry<Path extends string, Type extends FieldType, Required extends boolean> {
  readonly path: Path;
  readonly type: Type;
  readonly required: Required;
}

type AnyEntry = Entry<string, FieldType, boolean>;

/** `A` and `B`, if either may also be just `boolean`. */
export type Both<A extends boolean, B extends boolean> = A extends true ? B : false;

type EntryOfField<F, Prefix extends string, Present extends boolean> =
  F extends Field<infer Name, infer Type, infer Required>
    ? | Entry<`${Prefix}${Name}`, Type, Both<Present, Required>>
      | (Type extends StructType<infer Fields>
          ? EntryOfFields<Fields, `${Prefix}${Name}.`, Both<Present, Required>>
          : never)
    : never;

type EntryOfFields<
  Fields extends readonly Field[],
  Prefix extends string,
  Present extends boolean,
> = string extends Fields[number]['name'] ? AnyEntry : EntryOfField<Fields[number], Prefix, Present>;

/** The union of the entries of a schema: structs and leaves. */
type EntryOf<S extends Schema> = EntryOfFields<S['fields'], '', true>;

/** The entries whose type is a `Type`. An entry of the plain schema may be of any type. */
type EntryOfType<E extends AnyEntry, Type extends FieldType> = E extends AnyEntry
  ? FieldType extends E['type']
    ? E
    : E['type'] extends Type
      ? E
      : never
  : never;

/** The entry of a path. */
type EntryAt<E extends AnyEntry, Path extends string> = E extends AnyEntry
  ? Path extends E['path']
    ? E
    : never
  : never;

/** Every path of a schema, structs too: `'location' | 'location.city' | …`. */
export type PathOf<S extends Schema> = EntryOf<S>['path'];

/** Every path that has a column. */
export type LeafPathOf<S extends Schema> = EntryOfType<EntryOf<S>, LeafType>['path'];

/** Every path of a type of one of these kinds: `PathOfKind<S, 'int' | 'decimal'>`. */
export type PathOfKind<S extends Schema, Kind extends FieldType['kind']> = EntryOfType<
  EntryOf<S>,
  Extract<FieldType, { readonly kind: Kind }>
>['path'];

/** The kinds that sums can be made of. */
export type NumericKind = 'int' | 'long' | 'double' | 'decimal';

/** The type of a path: `TypeOfPath<S, 'location.city'>` is a `StringType`. */
export type TypeOfPath<S extends Schema, Path extends PathOf<S>> = EntryAt<EntryOf<S>, Path>['type'];

/** Whether a value is there in every accepted event: the field is required, and so is every struct around it. */
export type RequiredAtPath<S extends Schema, Path extends PathOf<S>> = EntryAt<EntryOf<S>, Path>['required'];
