/** Values as a script shows them, and as its checks compare them. */

const ROWS_SHOWN = 20;
const LABEL_CHARACTERS_MAX = 100;

/** As a programmer writes it: `[10, 3n]`, `{ shop: "x", total: "1.00" }`. Equal texts are equal values. */
export function textOf(value: unknown, keysInOrder = false): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Object.is(value, -0)) return '-0';
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map((each) => textOf(each, keysInOrder)).join(', ')}]`;
  const names = keysInOrder ? Object.keys(value).toSorted() : Object.keys(value);
  const fields = names.map((name) => {
    const key = /^[a-z_$][\w$]*$/i.test(name) ? name : JSON.stringify(name);
    return `${key}: ${textOf((value as Record<string, unknown>)[name], keysInOrder)}`;
  });
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

/** What a check compares: the order in which an object has its fields makes no difference. */
export function comparable(value: unknown): string {
  return textOf(value, true);
}

/** A list in one line, cut where it is long. */
export function listText(values: readonly unknown[]): string {
  const text = textOf(values);
  if (text.length <= LABEL_CHARACTERS_MAX) return text;
  const count = `${values.length} row${values.length === 1 ? '' : 's'}`;
  return `${text.slice(0, LABEL_CHARACTERS_MAX)}… (${count})`;
}

/** A list with a value a line, each behind the indent. */
export function linesText(values: readonly unknown[], indent: string): string {
  if (values.length === 0) return `${indent}nothing`;
  const lines = values.slice(0, ROWS_SHOWN).map((value) => `${indent}${textOf(value)}`);
  if (values.length > ROWS_SHOWN) lines.push(`${indent}… and ${values.length - ROWS_SHOWN} more`);
  return lines.join('\n');
}

/** The values of `values` that are not in `others`, each as often as it is there more. */
export function missingFrom(values: readonly unknown[], others: readonly unknown[]): unknown[] {
  const counts = new Map<string, number>();
  for (const other of others) counts.set(comparable(other), (counts.get(comparable(other)) ?? 0) + 1);
  return values.filter((value) => {
    const left = counts.get(comparable(value)) ?? 0;
    counts.set(comparable(value), left - 1);
    return left <= 0;
  });
}
