/** The documentation of a schema's fields, as data and as a table. */
import { ddlType } from './ddl.ts';
import type { Field, Schema } from './schema.ts';

/** A field as a table for people shows it. */
export interface FieldDescription {
  /** From the root: `location`, `location.city`; the elements of an array are `tags[]`. */
  readonly path: string;
  /** In the words of DDL: `DECIMAL(18,2)`. */
  readonly type: string;
  /** Whether it has to be there; of a field in a struct, where the struct is; of elements, whether none may be null. */
  readonly required: boolean;
  readonly doc: string;
}

/** Every field, in schema order: a struct before its fields, an array before its elements. */
export function describeSchema(schema: Schema): readonly FieldDescription[] {
  const descriptions: FieldDescription[] = [];
  const visit = (fields: readonly Field[], prefix: string): void => {
    for (const { name, type, required, doc } of fields) {
      const path = prefix + name;
      descriptions.push({ path, type: ddlType(type), required, doc });
      if (type.kind === 'struct') visit(type.fields, `${path}.`);
      else if (type.kind === 'array') {
        descriptions.push({
          path: `${path}[]`,
          type: ddlType(type.element),
          required: !type.containsNull,
          doc: `Each element of ${path}.`,
        });
      }
    }
  };
  visit(schema.fields, '');
  return descriptions;
}

/**
 * The same as a table in Markdown (GitHub's), padded as a formatter would, without a newline at its end. The text of
 * `doc` is its own Markdown; only what would end its cell is escaped.
 */
export function schemaMarkdown(schema: Schema): string {
  const rows = describeSchema(schema).map(({ path, type, required, doc }) => [
    cell(codeSpan(path)),
    cell(codeSpan(type)),
    required ? 'yes' : 'no',
    cell(doc),
  ]);
  const table = [['Field', 'Type', 'Required', 'Meaning'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => lengthOf(row[column]))));
  const lines = table.map((row) => row.map((text, column) => padded(text, widths[column] as number)));
  lines.splice(
    1,
    0,
    widths.map((width) => '-'.repeat(width)),
  );
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** CommonMark's code span: its fence is longer than any run of backticks in it. */
function codeSpan(text: string): string {
  const runs = text.match(/`+/g) ?? [];
  const fence = '`'.repeat(1 + Math.max(0, ...runs.map((run) => run.length)));
  const gap = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${fence}${gap}${text}${gap}${fence}`;
}

/** A pipe ends a cell even in a code span, and a line break ends the table. */
function cell(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ').replaceAll('|', '\\|');
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(width - lengthOf(text));
}

/** In code points. */
function lengthOf(text: string | undefined): number {
  return text === undefined ? 0 : Array.from(text).length;
}
