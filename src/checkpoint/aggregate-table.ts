/** One table an aggregate, made from the plan's data, so that anybody with a SQLite client can read the totals. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { invariant, TallystreamError } from '../errors.ts';
import type { GroupRow } from '../contracts/batch.ts';
import type { Aggregate } from '../plan/query-plan.ts';
import { eachRow, quoted } from './database.ts';

/** Stands in for the key of an aggregate that has none and so has one group. */
const NO_KEY = '"only group"';

/** Creates the tables: keys as text, sums as exact decimal text, counts as integers. */
export function createAggregateTables(database: DatabaseSync, aggregates: readonly Aggregate[]): void {
  checkNames(aggregates.map((aggregate) => aggregate.name));
  for (const aggregate of aggregates) {
    checkNames([...aggregate.keys, ...aggregate.measures].map((column) => column.name));
    const keys = aggregate.keys.map((key) => quoted(key.name));
    const columns = [
      ...(keys.length === 0 ? [`${NO_KEY} INTEGER NOT NULL`] : keys.map((key) => `${key} TEXT NOT NULL`)),
      ...aggregate.measures.map(
        (measure) => `${quoted(measure.name)} ${measure.kind === 'sum' ? 'TEXT' : 'INTEGER'} NOT NULL`,
      ),
      `PRIMARY KEY (${keys.length === 0 ? NO_KEY : keys.join(', ')})`,
    ];
    database.exec(`CREATE TABLE ${tableOf(aggregate)} (${columns.join(', ')}) STRICT, WITHOUT ROWID`);
  }
}

/** The groups as committed, ordered by key in code point order. */
export function* groupsOf(
  database: DatabaseSync,
  aggregate: Aggregate,
): Generator<GroupRow, void, undefined> {
  const keys = aggregate.keys.map((key) => quoted(key.name));
  const measures = aggregate.measures.map((measure) => quoted(measure.name));
  const statement = database.prepare(
    `SELECT ${[...keys, ...measures].join(', ')} FROM ${tableOf(aggregate)} ORDER BY ${keys.length === 0 ? '1' : keys.join(', ')}`,
  );
  for (const row of eachRow(statement)) {
    yield {
      key: row.slice(0, keys.length) as string[],
      measures: row.slice(keys.length) as (string | number)[],
    };
  }
}

/** @throws CHECKPOINT_QUERY_CHANGED that names the aggregates there are */
export function aggregateNamed(aggregates: readonly Aggregate[], name: string, location: string): Aggregate {
  const found = aggregates.find((aggregate) => aggregate.name === name);
  if (found !== undefined) return found;
  throw new TallystreamError('CHECKPOINT_QUERY_CHANGED', {
    what: `The checkpoint in ${location} holds no totals named ${name}.`,
    why: `It was written by a query with these: ${aggregates.map((aggregate) => aggregate.name).join(', ') || 'none'}.`,
    mend: 'Ask for one of these, or name the checkpoint of the query that is meant.',
  });
}

/** Writes changed groups; prepared once for a runner's life. */
export class AggregateWriter {
  private readonly aggregate: Aggregate;
  private readonly statement: StatementSync;

  constructor(database: DatabaseSync, aggregate: Aggregate) {
    this.aggregate = aggregate;
    const columns = [
      ...(aggregate.keys.length === 0 ? [NO_KEY] : aggregate.keys.map((key) => quoted(key.name))),
      ...aggregate.measures.map((measure) => quoted(measure.name)),
    ];
    this.statement = database.prepare(
      `INSERT OR REPLACE INTO ${tableOf(aggregate)} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    );
  }

  /** Puts a group's new absolute values in the place of its old ones. */
  write(group: GroupRow): void {
    const { name, keys, measures } = this.aggregate;
    invariant(
      group.key.length === keys.length &&
        group.measures.length === measures.length &&
        // A sum that came as a number would have gone through a float.
        measures.every(
          (measure, index) => typeof group.measures[index] === (measure.kind === 'sum' ? 'string' : 'number'),
        ),
      `a group of ${name} does not have the cells of its aggregate`,
    );
    this.statement.run(...(keys.length === 0 ? [0] : group.key), ...group.measures);
  }
}

function tableOf(aggregate: Aggregate): string {
  return quoted(`aggregate_${aggregate.name}`);
}

/** SQLite takes names that differ only in the case of letters for one. */
function checkNames(names: readonly string[]): void {
  const distinct = new Set(names.map((name) => name.toLowerCase()));
  invariant(
    distinct.size === names.length,
    `names of a plan must differ in more than case: ${names.join(', ')}`,
  );
}
