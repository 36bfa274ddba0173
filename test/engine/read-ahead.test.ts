import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAhead } from '../../src/engine/read-ahead.ts';

interface Trace {
  readonly asked: string[];
  readonly closed: string[];
}

/** Items `name0`, `name1`, … that note when they are asked for. */
function source(trace: Trace, name: string, count: number, failsAt = Infinity): () => AsyncIterable<string> {
  return async function* () {
    try {
      for (let index = 0; index < count; index += 1) {
        trace.asked.push(`${name}${index}`);
        await Promise.resolve();
        if (index === failsAt) throw new Error(`${name} failed`);
        yield `${name}${index}`;
      }
    } finally {
      trace.closed.push(name);
    }
  };
}

const names = ['a', 'b', 'c', 'd', 'e', 'f'];

async function readAll(sources: readonly (() => AsyncIterable<string>)[]): Promise<string[]> {
  const items: string[] = [];
  for await (const each of readAhead(sources)) for await (const item of each) items.push(item);
  return items;
}

test('gives every item in order, and closes every source once', async () => {
  const trace: Trace = { asked: [], closed: [] };
  const items = await readAll(names.map((name, index) => source(trace, name, index)));
  assert.deepEqual(
    items,
    names.flatMap((name, index) => Array.from({ length: index }, (_, item) => `${name}${item}`)),
  );
  assert.deepEqual([...trace.closed].sort(), names);
});

test('asks for the beginnings of the next three while one is taken, and for no more', async () => {
  const trace: Trace = { asked: [], closed: [] };
  const reading = readAhead(names.map((name) => source(trace, name, 2)));
  await reading.next();
  assert.deepEqual(trace.asked, ['a0', 'b0', 'c0', 'd0']);
  await reading.return(undefined);
});

test('a source that fails ahead of its turn fails when its turn comes', async () => {
  const trace: Trace = { asked: [], closed: [] };
  const seen: string[] = [];
  const sources = [source(trace, 'a', 3), source(trace, 'b', 2, 0), source(trace, 'c', 2)];
  await assert.rejects(async () => {
    for await (const each of readAhead(sources)) for await (const item of each) seen.push(item);
  }, /b failed/);
  assert.deepEqual(seen, ['a0', 'a1', 'a2']);
  assert.deepEqual([...trace.closed].sort(), ['a', 'b', 'c']);
});

test('whoever ends early closes what was opened', async () => {
  const trace: Trace = { asked: [], closed: [] };
  for await (const each of readAhead(names.map((name) => source(trace, name, 2)))) {
    for await (const item of each) {
      assert.equal(item, 'a0');
      break;
    }
    break;
  }
  assert.deepEqual([...trace.closed].sort(), ['a', 'b', 'c', 'd']);
});
