/** Makes a checkpoint of the version before seals from one of now: format 3, as 0.2.0 wrote it. */
import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { noteFile } from '../../../src/checkpoint/seals/commit-note.ts';
import { checkpointFile } from '../../../src/checkpoint/connection.ts';

const WITHOUT_CHECKSUM = [
  'meta',
  'accounting',
  'plans',
  'commits',
  'dead_letters',
  'duplicates',
  'redriven',
  'lost_ranges',
];

export function makeOld(location: string): void {
  const database = new DatabaseSync(checkpointFile(location));
  database.exec(
    `UPDATE commits SET printed = 1 WHERE printed <> 0;
     DROP TABLE seal; DROP TABLE history_marks; DROP TABLE data_losses; PRAGMA user_version = 3`,
  );
  for (const table of WITHOUT_CHECKSUM) database.exec(`ALTER TABLE ${table} DROP COLUMN crc32`);
  for (const [table, id] of [
    ['dedupe_segments', 'segment'],
    ['dedupe_appended', 'batch_id'],
  ] as const) {
    const update = database.prepare(`UPDATE ${table} SET crc32 = ? WHERE ${id} = ?`);
    for (const row of database.prepare(`SELECT ${id} AS id, entries FROM ${table}`).all()) {
      update.run(crc32(row['entries'] as Uint8Array), row['id'] as number);
    }
  }
  database.close();
  rmSync(noteFile(location), { force: true });
}
