/**
 * Reads the whole of a file source and prints by how many bytes the process grew meanwhile, at most: `read-large.ts ROOT`.
 * The system's own maximum would hide it behind what the process had at its start.
 */
import { lookAt, sourceFilesAt } from '../source-files.ts';

const [root = ''] = process.argv.slice(2);
const log = await sourceFilesAt(root).open();
const before = process.memoryUsage.rss();
let most = before;
const note = () => (most = Math.max(most, process.memoryUsage.rss()));
const notes = setInterval(note, 2);
const end = await lookAt(log);
let count = 0;
for await (const chunk of log.read({ topic: 'files', partition: 0, start: 0, end })) {
  count += chunk.count;
  note();
}
clearInterval(notes);
process.stdout.write(`${JSON.stringify({ count, grownBytes: most - before })}\n`);
await log.close();
