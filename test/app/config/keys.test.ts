import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml';
import { KEYS } from '../../../src/app/config/key-list.ts';
import type { Config } from '../../../src/app/config/keys.ts';
import { RECORD_VALUE_BYTES_MAX } from '../../../src/contracts/log.ts';

const YAML = readFileSync(new URL('../../../config/config.yaml', import.meta.url), 'utf8');

/** Every key of the file: its path, the text of its value, and the comment above it on one line. */
function fileKeys(): Map<string, { text: string; comment: string }> {
  const keys = new Map<string, { text: string; comment: string }>();
  const visit = (map: YAMLMap, prefix: string, above: string): void => {
    for (const [index, pair] of map.items.entries()) {
      assert.ok(isScalar(pair.key));
      const path = prefix + String(pair.key.value);
      // YAML hangs the comment above the first pair of a map on the map itself.
      const comment = pair.key.commentBefore ?? (index === 0 ? above : '');
      if (isMap(pair.value)) {
        assert.ok(comment, `${path} has no comment`);
        visit(pair.value, `${path}.`, pair.value.commentBefore ?? '');
      } else {
        assert.ok(isScalar(pair.value));
        keys.set(path, { text: pair.value.source ?? '', comment: comment.replace(/\s+/g, ' ').trim() });
      }
    }
  };
  const document = parseDocument(YAML);
  assert.ok(isMap(document.contents));
  visit(document.contents, '', document.contents.commentBefore ?? '');
  return keys;
}

test('config/config.yaml and the table have the same keys, in the same order', () => {
  assert.deepEqual(
    [...fileKeys().keys()],
    KEYS.map((key) => key.path),
  );
});

test('every key of the file has its default value', () => {
  for (const [path, { text }] of fileKeys())
    assert.equal(text, KEYS.find((key) => key.path === path)?.defaultText, path);
});

test('every key is documented in the file, in the words of the table, with its flag and what it takes', () => {
  const keys = fileKeys();
  for (const key of KEYS) {
    const { comment } = keys.get(key.path)!;
    assert.match(key.doc, /^[A-Z].{10,}\.$/, key.path);
    assert.ok(comment.includes(key.doc), `${key.path}: ${comment}`);
    if (key.flag !== undefined) assert.ok(comment.includes(`Flag: --${key.flag.name}.`), key.path);
    if (key.type.kind !== 'string') assert.ok(comment.includes(`Takes ${key.type.expected}.`), key.path);
  }
});

test('every default is a value of its key', () => {
  for (const key of KEYS) assert.equal(key.type.parse(key.defaultText).kind, 'value', key.path);
});

test('the largest value that can be validated is the largest that a log takes', () => {
  const { type } = KEYS.find((key) => key.path === 'validation.value_bytes_max')!;
  assert.equal(type.parse(`${RECORD_VALUE_BYTES_MAX}`).kind, 'value');
  assert.equal(type.parse(`${RECORD_VALUE_BYTES_MAX + 1}`).kind, 'mismatch');
});

test('no two keys share a path, a variable or a flag', () => {
  for (const names of [
    KEYS.map((key) => key.path),
    KEYS.map((key) => key.environment),
    KEYS.flatMap((key) => key.flag?.name ?? []),
    KEYS.map((key) => key.property.join('.')),
  ]) {
    assert.equal(new Set(names).size, names.length);
  }
  assert.ok(KEYS.every((key) => /^TALLYSTREAM_[A-Z_]+$/.test(key.environment)));
});

test('a property has its unit last', () => {
  const units = { duration: /Ms$/, bytes: /Bytes(Max)?$/ } as const;
  for (const key of KEYS) {
    if (key.type.kind === 'duration' || key.type.kind === 'bytes')
      assert.match(key.property.at(-1)!, units[key.type.kind]);
  }
});

test("the type of the configuration is the table's", () => {
  // The compiler checks this one: each line fails to compile where the derived type is another.
  const types = (
    config: Config,
  ): [number, number | null, number | 'max', number | null, boolean, readonly string[]] => [
    config.query.triggerMs,
    config.query.watermarkDelayMs,
    config.producer.ratePerSecond,
    config.ui.port,
    config.logging.mask,
    config.kafka.bootstrapServers,
  ];
  // @ts-expect-error A watermark can be off.
  const wrong = (config: Config): number => config.query.watermarkDelayMs;
  assert.deepEqual([typeof types, typeof wrong], ['function', 'function']);
});
