/** Reads the whole of a file source and prints how much memory that took at most, in bytes: `read-large.ts ROOT`. */
import { lookAt, sourceFilesAt } from '../source-files.ts';

const [root = ''] = process.argv.slice(2);
const log = await sourceFilesAt(root).open();
const before = process.resourceUsage().maxRSS;
const end = await lookAt(log);
let count = 0;
for await (const chunk of log.read({ topic: 'files', partition: 0, start: 0, end })) count += chunk.count;
const grownBytes = (process.resourceUsage().maxRSS - before) * 1024;
process.stdout.write(`${JSON.stringify({ count, grownBytes })}\n`);
await log.close();
