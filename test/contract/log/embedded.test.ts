import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../../src/contracts/log.ts';
import { openEmbeddedLog } from '../../../src/log/embedded/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { logContract } from './log-contract.ts';

logContract('embedded', {
  create: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tallystream-log-'));
    const path = join(folder, 'log.db');
    const opened: Log[] = [];
    const open = async () => {
      const log = await openEmbeddedLog({ path, clock: systemClock });
      opened.push(log);
      return log;
    };
    const close = async () => {
      for (const log of opened.splice(0)) await log.close();
    };
    return {
      log: await open(),
      clock: systemClock,
      second: open,
      reopen: async () => {
        await close();
        return open();
      },
      close: async () => {
        await close();
        await rm(folder, { recursive: true });
      },
    };
  },
  features: {
    appends: true,
    atomicAppend: true,
    contiguousOffsets: true,
    largestValue: true,
    retentionByAge: true,
    retentionBySize: true,
    persistent: true,
    manyProcesses: true,
    transactions: false,
    shapedTopics: false,
  },
});
