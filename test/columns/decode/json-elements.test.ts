import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ElementScanner } from '../../../src/columns/decode/json-elements.ts';
import { Token } from '../../../src/columns/decode/json-scanner.ts';
import { anyJson } from '../events.ts';
import { wellFormed } from '../oracle.ts';

const scanner = new ElementScanner();

/** The token and the text of each element of an array, which stands before bytes that are not its own. */
function elementsOf(json: string): [number, string][] {
  const bytes = Buffer.from(`[1,"${json}]"]`);
  const found: [number, string][] = [];
  scanner.open(bytes, 4);
  while (scanner.next()) found.push([scanner.token, bytes.toString('utf8', scanner.start, scanner.end)]);
  return found;
}

test('finds the elements of any array as they are written', () => {
  let elements = 0;
  fc.assert(
    fc.property(fc.array(anyJson, { maxLength: 5 }), fc.constantFrom('', ' ', '\n\t\r '), (texts, gap) => {
      const good = texts
        .filter((text) => typeof wellFormed(Buffer.from(text)) === 'object')
        .map((text) => text.trim());
      const found = elementsOf(`[${gap}${good.join(`${gap},${gap}`)}${gap}]`);
      assert.deepEqual(
        found.map(([, text]) => text),
        good,
      );
      elements += found.length;
    }),
    { numRuns: 5_000 },
  );
  assert.ok(elements > 5_000, `only ${elements} elements`);
});

test('says what each element is', () => {
  const json = String.raw`[ "a", "\"]" ,-1.5e3,true,false,null,{"a":["]}"]},[[],{"b":"\\"}] ]`;
  assert.deepEqual(elementsOf(json), [
    [Token.string, '"a"'],
    [Token.escapedString, String.raw`"\"]"`],
    [Token.number, '-1.5e3'],
    [Token.true, 'true'],
    [Token.false, 'false'],
    [Token.null, 'null'],
    [Token.object, '{"a":["]}"]}'],
    [Token.array, String.raw`[[],{"b":"\\"}]`],
  ]);
  assert.deepEqual(elementsOf('[]'), []);
  assert.deepEqual(elementsOf('[ ]'), []);
});
