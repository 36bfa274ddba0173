/** The text of a function for events whose keys are in schema order, with white space by one of two habits. */
import type { Field, Schema } from '../../schema/schema.ts';
import { FAILED, IS_NULL, nullCells, OTHER_SHAPE, readCell, type Gaps } from './cell-codegen.ts';
import { byteLength, matches, rowFunction } from './row-codegen.ts';

/** How a producer writes white space: none, or one space after each comma and colon. */
export type Habit = 'compact' | 'spaced';

/** Keys in schema order, of which optional ones may be absent. */
export function orderedSource(schema: Schema, habit: Habit): string {
  const writer = new OrderedWriter(habit);
  writer.object(schema.fields, true);
  return rowFunction(schema, writer.text());
}

class OrderedWriter {
  private readonly comma: string;
  private readonly colon: string;
  private readonly gaps: Gaps;
  private readonly lines: string[] = [];
  private leaf = 0;
  private objects = 0;

  constructor(habit: Habit) {
    this.comma = habit === 'compact' ? ',' : ', ';
    this.colon = habit === 'compact' ? ':' : ': ';
    this.gaps = habit === 'compact' ? 'none' : 'single';
  }

  text(): string {
    return this.lines.join('\n');
  }

  /** Reads the object whose brace is at `at`. */
  object(fields: readonly Field[], outermost: boolean): void {
    const open = `open${this.objects++}`;
    this.lines.push(`const ${open} = at;`);
    const firstRequired = fields.findIndex(({ required }) => required);
    fields.forEach((field, index) => {
      const follows = firstRequired >= 0 && firstRequired < index;
      this.member(field, index === 0 ? '{' : follows ? this.comma : undefined, open);
    });
    if (firstRequired < 0) this.lines.push(`if (at === ${open}) at++;`);
    // The last byte is a closing brace, and what is nested ends before it.
    if (outermost) this.lines.push(`if (at !== end - 1) ${OTHER_SHAPE}`);
    else this.lines.push(`if (bytes[at] !== 0x7d || at + 1 === end) ${OTHER_SHAPE}`, 'at++;');
  }

  /** `before` is what is before the key; undefined if that is a comma or, at `open`, a brace. */
  private member({ name, type, required }: Field, before: string | undefined, open: string): void {
    const key = JSON.stringify(name) + this.colon;
    if (before === undefined) {
      const space = this.comma === ',' ? '' : ' && bytes[at + 1] === 0x20';
      this.lines.push(
        `mark = at === ${open} ? at + 1 : bytes[at] === 0x2c${space} ? at + ${this.comma.length} : end;`,
        `if (${matches('mark', key)}) { at = mark + ${byteLength(key)};`,
      );
    } else this.lines.push(`if (${matches('at', before + key)}) { at += ${byteLength(before + key)};`);
    const from = this.leaf;
    if (type.kind === 'struct') {
      this.lines.push('from = at; if (bytes[at] === 0x7b) {');
      this.object(type.fields, false);
      const otherwise = required ? '' : `else if (${IS_NULL}) { at += 4; ${nullCells(type.fields, from)} }`;
      this.lines.push('}', otherwise, `else ${FAILED}`);
    } else this.lines.push(readCell(type, this.leaf++, !required, this.gaps));
    this.lines.push(`} else ${required ? OTHER_SHAPE : `{ ${nullCells([{ type }], from)} }`}`);
  }
}
