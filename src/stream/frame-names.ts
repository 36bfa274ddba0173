/** Names of columns. */
import type { FieldColumns } from './frame-parts.ts';

/** `city` of `location.city`. */
export function lastName(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

/** `name`, or where a field has it one like it that none has. */
export function nameOfTwice(name: string, fields: readonly FieldColumns[]): string {
  const taken = new Set(fields.map(({ field }) => field.name));
  let free = name;
  while (taken.has(free)) free += "'";
  return free;
}
