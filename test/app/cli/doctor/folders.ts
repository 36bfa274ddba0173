/** A data folder of its own for one test of the doctor, and what `produce` and `run` leave in one. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openLog } from '../../../../src/app/compose.ts';
import type { Config } from '../../../../src/app/config/keys.ts';
import { loadConfig } from '../../../../src/app/config/load.ts';
import type { RecordInput } from '../../../../src/contracts/log.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-doctor-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The default configuration with its data in a folder. */
export async function configIn(dataDir: string, flags: Record<string, string> = {}): Promise<Config> {
  const sources = { flags: { 'data-dir': dataDir, ...flags }, env: {}, cwd: dataDir };
  return (await loadConfig({ ...sources, readFile: () => undefined })).config;
}

/** Makes the topic and appends; gives the topic's id. */
export async function fillLog(config: Config, records: readonly RecordInput[]): Promise<string> {
  const log = await openLog(config, systemClock);
  try {
    const { id } = await log.createTopic(config.log.topic, { partitions: config.log.partitions });
    await log.append(config.log.topic, records);
    return id;
  } finally {
    await log.close();
  }
}

/** Every file below a folder, so that a test sees what was left behind. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
}
