/** Runs statements, the last of them in a transaction that stays open for a while: `hold-write-lock.ts PATH BEFORE WITHIN`. */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';

const [path = '', before = '', within = ''] = process.argv.slice(2);
const db = new DatabaseSync(path);
db.exec(before);
db.exec(`BEGIN IMMEDIATE; ${within}`);
process.stdout.write('writing\n');
await setTimeout(300);
db.exec('COMMIT');
db.close();
