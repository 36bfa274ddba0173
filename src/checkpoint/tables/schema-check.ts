/** Whether the tables of a checkpoint still have their original definitions. */
import type { DatabaseSync } from 'node:sqlite';
import { schemaMadeBy, schemaProblem } from '../../sqlite/stored-schema.ts';
import type { StoredAggregate } from '../../plan/query-change.ts';
import { AGGREGATE_TABLE_PREFIX } from './aggregate-columns.ts';
import { createAggregateTables } from './aggregate-table.ts';
import { firstCell } from '../connection.ts';
import { corrupt } from '../errors.ts';
import { createTables } from './tables.ts';

/**
 * Called at every opening; takes about 2 ms. Statements would find nothing in a table with a damaged column name, or in one
 * whose page number points to another table.
 * @throws CHECKPOINT_CORRUPT
 */
export function checkTables(database: DatabaseSync, location: string): void {
  const aggregates = storedAggregates(database);
  const expected = schemaMadeBy((model) => {
    createTables(model);
    if (aggregates !== undefined) makeAggregateTables(model, aggregates, location);
  });
  const isUnknown = (table: string): boolean =>
    aggregates === undefined && table.startsWith(AGGREGATE_TABLE_PREFIX);
  const problem = schemaProblem(database, expected, isUnknown);
  if (problem !== undefined) throw corrupt(location, problem);
}

function makeAggregateTables(
  model: DatabaseSync,
  aggregates: readonly StoredAggregate[],
  location: string,
): void {
  try {
    createAggregateTables(model, aggregates);
  } catch (error) {
    throw corrupt(location, 'In the table meta, the list of aggregates is damaged.', error);
  }
}

/** undefined if they cannot be read; reading the identity then reports it. */
function storedAggregates(database: DatabaseSync): readonly StoredAggregate[] | undefined {
  try {
    const text = firstCell(database.prepare('SELECT aggregates FROM meta'));
    const parsed: unknown = JSON.parse(text as string);
    return Array.isArray(parsed) && parsed.every(isAggregate) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isAggregate(value: unknown): value is StoredAggregate {
  if (typeof value !== 'object' || value === null) return false;
  const { name, keys, measures } = value as Partial<StoredAggregate>;
  return typeof name === 'string' && Array.isArray(keys) && Array.isArray(measures);
}
