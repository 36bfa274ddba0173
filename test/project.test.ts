import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Manifest {
  readonly scripts: Record<string, string>;
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
}

interface LockedPackage {
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
}

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('package.json')) as Manifest;
const locked = Object.entries(
  (JSON.parse(read('package-lock.json')) as { packages: Record<string, LockedPackage> }).packages,
);

test('the lockfile names no registry, so that any mirror serves', () => {
  assert.deepEqual(
    locked.filter(([, entry]) => entry.resolved !== undefined),
    [],
  );
});

test('no dependency runs a script at installation', () => {
  assert.deepEqual(
    locked.filter(([, entry]) => entry.hasInstallScript === true),
    [],
  );
});

test('every dependency is pinned to one version', () => {
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  for (const [name, range] of Object.entries({
    ...dependencies,
    ...devDependencies,
    ...optionalDependencies,
  })) {
    assert.match(range, /^\d+\.\d+\.\d+$/, name);
  }
});

test('every make target that does something is an npm script, for machines without make', () => {
  const wrapped = [...read('Makefile').matchAll(/\$\(RUN\) ([a-z-]+)/g)].map(([, name = '']) => name);
  assert.ok(wrapped.length > 10);
  for (const name of wrapped) assert.ok(name in manifest.scripts, name);
});

test('npm scripts use nothing that one shell has and another lacks', () => {
  for (const [name, command] of Object.entries(manifest.scripts)) {
    assert.doesNotMatch(command, /['$`;|]|(?:^|\s)(?:rm|cp|mv|mkdir|export|[A-Z_]+=)\s?/, name);
  }
});
