import { endWithLauncher, runInProcess } from './launcher.js';

// First of all, so that a launcher that dies while the modules load still takes this process with it.
endWithLauncher(process);
await runInProcess({ argv: process.argv.slice(2) });
