/** Another process that uses a checkpoint, and says line by line what it has done. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const FIXTURE = fileURLToPath(new URL('../fixtures/runner.ts', import.meta.url));

export type Role = 'hold' | 'series' | 'stop-between-commits' | 'stop-inside-write' | 'start';

export function startChild(t: TestContext, role: Role, location: string) {
  const child = spawn(process.execPath, [FIXTURE, role, location], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const ended = once(reader, 'close');
  return {
    pid: child.pid as number,
    /** All that it said until now. */
    lines,
    async line(): Promise<void> {
      if (lines.length === 0) await Promise.race([once(reader, 'line'), ended]);
      if (lines.length === 0) throw new Error('the child ended without a word');
    },
    signal: (signal: NodeJS.Signals) => child.kill(signal),
    /** Resolves when it is gone and everything that it said has arrived. */
    async ended(): Promise<void> {
      await ended;
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
