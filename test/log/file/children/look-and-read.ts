/**
 * A query's look and read in a process of its own: `look-and-read.ts ROOT PER_LOOK [LOOKS]`. It looks again and again, reads
 * what is new, and prints where each line lies as soon as it has read it: `{"start":…,"lines":[…]}`.
 */
import { sourceFilesAt } from '../source-files.ts';
import { valuesOf, lookAt } from '../source-files.ts';

const [root = '', perLook = '', looks = 'Infinity'] = process.argv.slice(2);
const log = await sourceFilesAt(root).open({ maxFilesPerTrigger: Number(perLook) });
let start = 0;
for (let look = 0; look < Number(looks); look += 1) {
  const end = await lookAt(log);
  if (end > start)
    process.stdout.write(`${JSON.stringify({ start, lines: await valuesOf(log, start, end) })}\n`);
  start = end;
  await new Promise((resolve) => setTimeout(resolve, 1));
}
await log.close();
