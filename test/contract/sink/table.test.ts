import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTableSink } from '../../../src/sinks/table.ts';
import { sinkContract, type DeliveredRow, type SinkUnderTest } from './sink-suite.ts';

sinkContract('table', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-sink-'));
  const path = join(folder, 'out.db');
  const subject = (): SinkUnderTest => ({
    sink: createTableSink({ path, outputMode: 'append' }),
    delivered: async () => {
      const database = new DatabaseSync(path, { readOnly: true });
      try {
        return database.prepare('SELECT * FROM events').all() as unknown as readonly DeliveredRow[];
      } finally {
        database.close();
      }
    },
    reopen: async () => ({ ...subject(), close: async () => undefined }),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  });
  return subject();
});
