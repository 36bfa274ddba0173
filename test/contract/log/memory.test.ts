import { createMemoryLog } from '../../../src/log/memory/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { logContract } from './log-contract.ts';

logContract('memory', {
  create: async () => {
    const log = createMemoryLog({ clock: systemClock });
    return { log, clock: systemClock, close: () => log.close() };
  },
  features: {
    appends: true,
    atomicAppend: true,
    contiguousOffsets: true,
    largestValue: true,
    retentionByAge: true,
    retentionBySize: true,
    persistent: false,
    manyProcesses: false,
    transactions: true,
    shapedTopics: true,
  },
});
