/** The path of a program that a test starts as a process of its own. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The path of `name`, relative to the module `from`.
 *
 * Throws if there is no such file. A test that starts a missing program waits for output that never comes.
 */
export function childFile(name: string, from: string): string {
  const path = fileURLToPath(new URL(name, from));
  assert.ok(existsSync(path), `${path} is started by a test, but does not exist`);
  return path;
}
