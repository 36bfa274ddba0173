// Judges the flips that its parent names, one after the other. A parent that waits for too long kills it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCases } from '../purchases.ts';
import { Judge } from './judge.ts';
import type { Flip, Template } from './template.ts';

const [file, seed, lines] = process.argv.slice(2) as [string, string, string];
const stored = JSON.parse(readFileSync(file, 'utf8')) as Omit<Template, 'cases'>;
const folder = mkdtempSync(join(tmpdir(), 'tallystream-flips-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('disconnect', () => process.exit());

const judge = new Judge({ ...stored, cases: createCases(seed, Number(lines)) }, folder);
await judge.prepare();
process.on('message', (flip: Flip) => {
  void judge.judge(flip).then((judgement) => process.send?.(judgement));
});
process.send?.('ready');
