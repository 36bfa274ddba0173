/** Seals a checkpoint as it is now, so that a test can look at what is found beside the seals. */
import { DatabaseSync } from 'node:sqlite';
import { checkpointFile, firstRow } from '../../../src/checkpoint/connection.ts';
import { crcOfCells } from '../../../src/checkpoint/seals/row-crc.ts';
import { EMPTY_TABLE, parseSeal, sealText, SealDraft } from '../../../src/checkpoint/seals/seal.ts';
import { sumsOf } from '../../../src/checkpoint/seals/sealed-rows.ts';
import {
  DEDUPE_APPENDED,
  DEDUPE_SEGMENTS,
  PARTITIONS,
  SEALED_TABLES,
  selectionOf,
} from '../../../src/checkpoint/seals/sealed-tables.ts';

/** Rows of these keep the checksums that they have, right or wrong: there are checks that look at them. */
const LEFT = [PARTITIONS, DEDUPE_SEGMENTS, DEDUPE_APPENDED];

export function reseal(location: string): void {
  const database = new DatabaseSync(checkpointFile(location), { returnArrays: true });
  database.exec('PRAGMA ignore_check_constraints = ON');
  const names = new Set(
    database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all()
      .map((row) => String((row as unknown as string[])[0])),
  );
  const stored = parseSeal(firstRow(database.prepare('SELECT seal FROM seal'))?.[0]);
  if (stored === undefined) throw new Error('there is no seal to make again');
  const draft = new SealDraft({ ...stored, tables: {} });
  const aggregates = [...names]
    .filter((name) => name.startsWith('aggregate_'))
    .map((name) => ({ name, crc: '"group:crc32"' }));
  for (const table of SEALED_TABLES) {
    if (!names.has(table.name) || LEFT.includes(table)) continue;
    const select = database.prepare(selectionOf(table));
    select.setReadBigInts(true);
    const isKey = table.key.map((column) => `${column} = ?`).join(' AND ');
    const update = database.prepare(`UPDATE ${table.name} SET crc32 = ? WHERE ${isKey}`);
    for (const row of select.all() as unknown as (string | bigint)[][]) {
      update.run(crcOfCells(row, row.length - 1, table.key.length), ...row.slice(0, table.key.length));
    }
  }
  for (const table of [...SEALED_TABLES, ...aggregates]) {
    const { name } = table;
    // One that is gone stays sealed as it was, so that it is missed.
    if (!names.has(name)) draft.of(name).addAll(stored.tables[name] ?? EMPTY_TABLE);
    if (!names.has(name)) continue;
    draft.of(table.name).addAll(sumsOf({ database, table }));
  }
  database.prepare('UPDATE seal SET seal = ?').run(sealText(draft.done()));
  database.close();
}
