import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Log } from '../../../src/contracts/log.ts';
import { openFileLog } from '../../../src/log/file/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { logContract } from './log-contract.ts';

for (const packed of [false, true]) {
  logContract(packed ? 'packed file' : 'file', {
    create: async () => {
      const root = await mkdtemp(join(tmpdir(), 'tallystream-files-'));
      const folder = join(root, 'in');
      await mkdir(folder);
      const opened: Log[] = [];
      const open = async () => {
        const log = await openFileLog({
          clock: systemClock,
          folder,
          indexFolder: join(root, 'index'),
          pollIntervalMs: 10,
        });
        opened.push(log);
        return log;
      };
      const close = async () => {
        for (const log of opened.splice(0)) await log.close();
      };
      let made = 0;
      const more = async () => {
        made += 1;
        const text = `{"line":"${made}.1"}\n{"line":"${made}.2"}\r\n\n{"line":"${made}.3"}${made % 2 ? '\n' : ''}`;
        const name = `${made}.ndjson${packed ? '.gz' : ''}`;
        await writeFile(join(folder, `.${name}`), packed ? gzipSync(text) : text);
        await rename(join(folder, `.${name}`), join(folder, name));
      };
      return {
        log: await open(),
        clock: systemClock,
        source: { topic: 'files', more },
        second: open,
        reopen: async () => {
          await close();
          return open();
        },
        close: async () => {
          await close();
          await rm(root, { recursive: true });
        },
      };
    },
    features: {
      appends: false,
      atomicAppend: false,
      contiguousOffsets: true,
      largestValue: true,
      retentionByAge: false,
      transactions: false,
      shapedTopics: false,
      retentionBySize: false,
      persistent: true,
      manyProcesses: true,
    },
  });
}
