/** The package as a user gets it: packed, and installed in a project of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Consumer {
  /** A project that has the package among its dependencies. */
  readonly folder: string;
  /** What the tarball holds. */
  readonly files: readonly string[];
  /** The declarations that were built for it. */
  readonly dist: string;
  /** Runs a program of this Node in the project, and gives its output; fails where it fails. */
  run(...words: readonly string[]): string;
  /** The same, with what the program wrote to standard error. */
  outputs(...words: readonly string[]): { readonly stdout: string; readonly stderr: string };
  /** Runs npm in the project. */
  npm(...words: readonly string[]): void;
  /** The path of the packed package. */
  readonly tarball: string;
  remove(): void;
}

/** Packs a copy of the project, so that no other test meets a `dist` that comes and goes, and installs it. */
export function installPackage(): Consumer {
  const place = mkdtempSync(join(tmpdir(), 'tallystream-package-'));
  const copy = join(place, 'copy');
  const folder = join(place, 'project');
  const parts = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'src', 'scripts', 'bin', 'config'];
  for (const part of [...parts, 'docs', 'README.md', 'CHANGELOG.md', 'LICENSE']) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  }
  linkModules(join(copy, 'node_modules'), () => true);
  const packed = npm(copy, 'pack', '--json', '--pack-destination', place);
  // What the build prints stands before the list.
  const [tarball] = JSON.parse(packed.slice(packed.indexOf('[\n'))) as {
    filename: string;
    files: { path: string }[];
  }[];
  assert.ok(tarball !== undefined);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  npm(
    folder,
    'install',
    '--prefer-offline',
    '--ignore-scripts',
    '--omit=optional',
    '--no-audit',
    '--no-fund',
    join(place, tarball.filename),
  );
  // Types of Node, as a user's project has them.
  linkModules(join(folder, 'node_modules'), (name) => name === '@types' || name === 'undici-types');
  return {
    folder,
    files: tarball.files.map(({ path }) => path),
    dist: join(copy, 'dist'),
    tarball: join(place, tarball.filename),
    run: (...words) => output(folder, process.execPath, words).stdout,
    outputs: (...words) => output(folder, process.execPath, words),
    npm: (...words) => void npm(folder, ...words),
    remove: () => rmSync(place, { recursive: true, force: true }),
  };
}

/** Links to what is installed for this project; a cache stays where it is. */
function linkModules(to: string, isWanted: (name: string) => boolean): void {
  const from = join(ROOT, 'node_modules');
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (name !== '.cache' && name !== '.package-lock.json' && isWanted(name)) {
      symlinkSync(join(from, name), join(to, name), 'junction');
    }
  }
}

function npm(cwd: string, ...words: readonly string[]): string {
  return output(cwd, 'npm', words).stdout;
}

function output(
  cwd: string,
  command: string,
  words: readonly string[],
): { readonly stdout: string; readonly stderr: string } {
  const env = Object.fromEntries(
    // npm tells what it runs about the project that it was called in.
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(?:package_|lifecycle_|config_local_prefix)|^NODE_TEST_CONTEXT$/.test(name),
    ),
  );
  const done = spawnSync(command, words, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: 120_000,
    shell: command === 'npm' && process.platform === 'win32',
  });
  assert.equal(done.status, 0, `${command} ${words.join(' ')}\n${done.stdout}${done.stderr}`);
  return { stdout: done.stdout, stderr: done.stderr };
}
