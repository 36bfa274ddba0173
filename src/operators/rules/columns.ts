/** The columns that rules read, each of the kind that a rule needs; another kind is a fault of the plan's maker. */
import { InvariantError } from '../../errors.ts';
import type {
  ColumnBatch,
  DecimalColumn,
  DictionaryColumn,
  NumberColumn,
} from '../../columns/column-chunk.ts';

export function dictionaryColumn(batch: ColumnBatch, field: string): DictionaryColumn {
  const column = batch.columns[batch.indexOf(field)];
  if (column?.kind !== 'dictionary') throw new InvariantError(`a rule needs dictionary text in ${field}`);
  return column;
}

export function decimalColumn(batch: ColumnBatch, field: string): DecimalColumn {
  const column = batch.columns[batch.indexOf(field)];
  if (column?.kind !== 'decimal') throw new InvariantError(`a rule needs a decimal in ${field}`);
  return column;
}

export function numberColumn(batch: ColumnBatch, field: string): NumberColumn {
  const column = batch.columns[batch.indexOf(field)];
  if (column?.kind !== 'int' && column?.kind !== 'timestamp') {
    throw new InvariantError(`a rule needs whole numbers or instants in ${field}`);
  }
  return column;
}
