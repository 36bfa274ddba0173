/** Gathers the accepted events of a batch, for sinks and handlers that want the events themselves. */
import type { ColumnBatch } from '../columns/batch.ts';
import { schema } from '../columns/schema.ts';
import { ColumnTable } from '../columns/table.ts';
import type { OutputColumn } from '../plan/query-plan.ts';

export class RowCollector {
  table: ColumnTable;
  private readonly batch: ColumnBatch;
  private readonly indexes: readonly number[];

  constructor(columns: readonly OutputColumn[], batch: ColumnBatch) {
    this.batch = batch;
    this.indexes = columns.map(({ column }) => batch.indexOf(column));
    const fields = columns.map(({ name }, at) => {
      const { type, required } = batch.leaves[this.indexes[at] as number] as ColumnBatch['leaves'][number];
      return { name, type, required, doc: '' };
    });
    this.table = new ColumnTable(schema(fields));
  }

  add(row: number): void {
    this.table.appendRow(this.batch, this.indexes, row);
  }

  /** A handler may have kept the table of the batch before, so the next one is another. */
  clear(): void {
    this.table = new ColumnTable(this.table.schema);
  }
}
