/** A schema as the JSON scanner wants it: a slot for every field, and the keys of each object as bytes. */
import type { Field, FieldType, Schema } from '../schema/schema.ts';

const TEXT_ENCODER = new TextEncoder();

/** A key of an object, and the slot that its value is noted in. */
export interface Key {
  readonly bytes: Uint8Array;
  /** The key as a JSON string literal, quotes and all, the way nearly every producer writes it. */
  readonly literal: Uint8Array;
  readonly slot: number;
  /** The keys of the struct that this field is, if it is one. Its fields have the slots after its own, without a gap. */
  readonly shape: ObjectShape | undefined;
}

/** The keys that one object of the schema can have. Names are bytes, so `__proto__` is a name like any other. */
export class ObjectShape {
  /** In schema order. */
  readonly keys: readonly Key[];
  /** The slot after the last one of the fields and all that is nested in them. */
  readonly slotsEnd: number;
  readonly longestKeyBytes: number;
  /** Keys by their length in bytes: a stranger's key is compared with few, whatever it is. */
  private readonly byLength: readonly (readonly number[])[];

  constructor(fields: readonly Field[], firstSlot: number) {
    const keys: Key[] = [];
    let slot = firstSlot;
    for (const field of fields) {
      const shape = field.type.kind === 'struct' ? new ObjectShape(field.type.fields, slot + 1) : undefined;
      const bytes = TEXT_ENCODER.encode(field.name);
      keys.push({ bytes, literal: TEXT_ENCODER.encode(JSON.stringify(field.name)), slot, shape });
      slot = shape === undefined ? slot + 1 : shape.slotsEnd;
    }
    this.keys = keys;
    this.slotsEnd = slot;
    this.longestKeyBytes = Math.max(0, ...keys.map((key) => key.bytes.length));
    this.byLength = Array.from({ length: this.longestKeyBytes + 1 }, (_, length) =>
      keys.flatMap((key, index) => (key.bytes.length === length ? [index] : [])),
    );
  }

  /** The index of the key that `bytes[start, end)` is, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length > this.longestKeyBytes) return -1;
    for (const index of this.byLength[length] as readonly number[]) {
      if (isKeyAt((this.keys[index] as Key).bytes, bytes, start)) return index;
    }
    return -1;
  }
}

/** Whether the bytes at `start` are those of `key`; the caller has seen that there are enough of them. */
export function isKeyAt(key: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < key.length; index++) if (bytes[start + index] !== key[index]) return false;
  return true;
}

/** A field with its path, in schema order, structs before what is in them. All have one shape, for the hot loop's sake. */
export interface Slot {
  readonly path: string;
  readonly kind: FieldType['kind'] | 'dictionary';
  readonly required: boolean;
  /** The slot after this field and all that is nested in it. */
  readonly slotsEnd: number;
  /** The field's column among the leaves: its own, or the first one nested in it; `leavesEnd` is after the last one. */
  readonly leaf: number;
  readonly leavesEnd: number;
  /** Of a decimal; 0 for others. */
  readonly precision: number;
  readonly scale: number;
  /** Of an array: its elements, required where none of them may be null; undefined for others. */
  readonly element: Slot | undefined;
}

/** Every field of the schema by its slot, numbered as {@link ObjectShape} numbers them from 0. */
export function slotsOf(schema: Schema): readonly Slot[] {
  const slots: Slot[] = [];
  let leaf = 0;
  const visit = (fields: readonly Field[], prefix: string): void => {
    for (const { name, type, required } of fields) {
      const path = prefix + name;
      const index = slots.length;
      const slot = slotOf(path, type, required, index, leaf);
      slots.push(slot);
      if (type.kind === 'struct') visit(type.fields, `${path}.`);
      else leaf++;
      slot.slotsEnd = slots.length;
      slot.leavesEnd = leaf;
    }
  };
  visit(schema.fields, '');
  return slots;
}

type GrowingSlot = { -readonly [Name in keyof Slot]: Slot[Name] };

/** A slot as a leaf has it. */
function slotOf(path: string, type: FieldType, required: boolean, index: number, leaf: number): GrowingSlot {
  const { precision, scale } = type.kind === 'decimal' ? type : { precision: 0, scale: 0 };
  return {
    path,
    kind: type.kind === 'string' && type.dictionary ? 'dictionary' : type.kind,
    required,
    slotsEnd: index + 1,
    leaf,
    leavesEnd: leaf + 1,
    precision,
    scale,
    element:
      type.kind === 'array' ? slotOf(`${path}[]`, type.element, !type.containsNull, index, leaf) : undefined,
  };
}
