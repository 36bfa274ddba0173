/** Gathers the accepted events of a batch, for sinks and handlers that want the events themselves. */
import type { ColumnBatch } from '../columns/column-chunk.ts';
import { leavesOf, schema, type Field } from '../columns/schema/schema.ts';
import { ColumnTable } from '../columns/table.ts';
import { invariant } from '../errors.ts';
import type { OutputColumn } from '../plan/query-plan.ts';

export class RowCollector {
  table: ColumnTable;
  private readonly batch: ColumnBatch;
  private readonly indexes: readonly number[];

  /** The columns of one struct are side by side, as its fields are. */
  constructor(columns: readonly OutputColumn[], batch: ColumnBatch) {
    this.batch = batch;
    this.indexes = columns.map(({ column }) => batch.indexOf(column));
    const fields = new Map<string, Field>();
    for (const column of columns) {
      const [name = ''] = column.name.split('.', 1);
      if (!fields.has(name)) fields.set(name, fieldOf(name, column, batch));
    }
    const ofSchema = schema([...fields.values()]);
    invariant(
      leavesOf(ofSchema).every(({ path }, at) => path === columns[at]?.name),
      `a struct is written as a whole, but the rows have ${columns.map(({ name }) => name).join(', ')}`,
    );
    this.table = new ColumnTable(ofSchema);
  }

  add(row: number): void {
    this.table.appendRow(this.batch, this.indexes, row);
  }

  /** A handler may have kept the table of the batch before, so the next one is another. */
  clear(): void {
    this.table = new ColumnTable(this.table.schema);
  }
}

/** The field of the events that an output column is, or whose struct it is in. */
function fieldOf(name: string, output: OutputColumn, { schema: { fields } }: ColumnBatch): Field {
  const inner = output.name.split('.').length - 1;
  const path = output.column.split('.');
  let within: readonly Field[] = fields;
  let found: Field | undefined;
  let required = true;
  for (const part of path.slice(0, path.length - inner)) {
    found = within.find((field) => field.name === part);
    invariant(found !== undefined, `no column ${output.column} in the events`);
    required &&= found.required;
    within = found.type.kind === 'struct' ? found.type.fields : [];
  }
  invariant(found !== undefined, `an output column without a name: ${output.name}`);
  return { name, type: found.type, required, doc: '' };
}
