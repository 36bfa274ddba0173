/** The pages of the documentation: their links lead somewhere, and the README stays short. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README_LINES_MAX = 220;

const pages = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

test('every relative link of a page leads to a file and to a heading that exist', () => {
  const broken = pages.flatMap((page) => {
    const text = withoutCode(readFileSync(join(ROOT, page), 'utf8'));
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/i.test(target) && !leadsSomewhere(page, target))
      .map((target) => `${page}: ${target}`);
  });
  assert.deepEqual(broken, []);
});

test('every source file that a page names exists', () => {
  const missing = pages.flatMap((page) =>
    [
      ...readFileSync(join(ROOT, page), 'utf8').matchAll(
        /(?<![\w/])(?:src|test|scripts|bench|examples)\/[\w./-]+\.(?:ts|js|py)\b/g,
      ),
    ]
      .filter(([path]) => page !== 'CONTRIBUTING.md' || !/^(src|test)\/a\/b\./.test(path))
      .filter(([path]) => !existsSync(join(ROOT, path)))
      .map(([path]) => `${page}: ${path}`),
  );
  assert.deepEqual(missing, []);
});

test('every source file that a comment of src names exists', () => {
  const files = ['src', 'test', 'scripts', 'bin', 'bench'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(
      (name) => `/${folder}/${name}`,
    ),
  );
  const missing = files
    .filter((file) => file.startsWith('/src/') && file.endsWith('.ts'))
    .flatMap((file) =>
      [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^\s*(?:\/?\*\*?|\/\/).*$/gm)]
        .flatMap(([comment]) => [...comment.matchAll(/(?<![\w/.-])[\w/-]+\.(?:ts|js)\b(?!\.\w)/g)])
        .filter(([name]) => !files.some((each) => each.endsWith(`/${name}`)))
        .map(([name]) => `${file}: ${name}`),
    );
  assert.deepEqual(missing, []);
});

test('every page of docs can be reached from docs/README.md or an index that it names', () => {
  const indexes = ['docs/README.md', 'docs/adr/README.md', 'docs/api/README.md'];
  const listed = new Set(
    indexes.flatMap((index) =>
      [...readFileSync(join(ROOT, index), 'utf8').matchAll(/\]\(([^)#\s]+)/g)].map(([, target = '']) =>
        join(dirname(index), target),
      ),
    ),
  );
  const unlisted = pages.filter(
    (page) => page.startsWith('docs') && page !== join('docs', 'README.md') && !listed.has(page),
  );
  assert.deepEqual(unlisted, []);
});

test(`the README has fewer than ${README_LINES_MAX} lines`, () => {
  const lines = readFileSync(join(ROOT, 'README.md'), 'utf8').trimEnd().split('\n').length;
  assert.ok(lines < README_LINES_MAX, `${lines} lines`);
});

function leadsSomewhere(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
  if (relative(ROOT, file).startsWith('..') || !existsSync(file)) return false;
  if (anchor === undefined || statSync(file).isDirectory()) return true;
  return anchors(readFileSync(file, 'utf8')).has(anchor);
}

/** The anchors that GitHub gives to the headings of a page. */
function anchors(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const [, heading = ''] of withoutFences(text).matchAll(/^#{1,6} (.*)$/gm)) {
    const base = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    let anchor = base;
    for (let repeat = 1; found.has(anchor); repeat += 1) anchor = `${base}-${repeat}`;
    found.add(anchor);
  }
  return found;
}

function withoutFences(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '');
}

function withoutCode(text: string): string {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, '');
}
