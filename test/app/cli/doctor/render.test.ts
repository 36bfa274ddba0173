import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckResult } from '../../../../src/app/cli/doctor/check.ts';
import { checkAsText, checksAsJson, countsAsText, isOk } from '../../../../src/app/cli/doctor/render.ts';

const passed: CheckResult = { name: 'log', status: 'pass', found: 'fine', hint: null };
const failed: CheckResult = { name: 'disk space', status: 'fail', found: '3 MiB', hint: 'Free some.' };
const warned: CheckResult = { name: 'port', status: 'warn', found: 'taken', hint: 'Another.' };
const plain = { nameWidth: 10, colour: false };

test('aligns names, and says below what was found how to fix it', () => {
  assert.equal(checkAsText(passed, plain), 'pass  log         fine\n');
  assert.equal(
    checkAsText(failed, plain),
    ['fail  disk space  3 MiB', '                  hint: Free some.', ''].join('\n'),
  );
});

test('indents every line of what was found', () => {
  assert.equal(
    checkAsText({ ...passed, found: 'two problems:\n  one\n  two' }, plain),
    ['pass  log         two problems:', '                    one', '                    two', ''].join('\n'),
  );
});

test('colours the status where it is asked to, and nothing else', () => {
  const coloured = checkAsText(failed, { ...plain, colour: true });
  assert.ok(coloured.startsWith('\u{1b}[31mfail\u{1b}[39m  disk space'));
  assert.equal(coloured.split('\u{1b}').length, 3);
  assert.ok(!checkAsText(failed, plain).includes('\u{1b}'));
});

test('escapes what a path or an event could do to a terminal', () => {
  const hostile = { ...failed, found: 'no \u{1b}[2Jtopic', hint: 'Rename \u{202e}it.' };
  assert.match(checkAsText(hostile, plain), /no \\u\{1b\}\[2Jtopic\n +hint: Rename \\u\{202e\}it\.\n$/);
  const json = checksAsJson([hostile]);
  assert.ok(!/[\u{1b}\u{202e}]/u.test(json));
  const { checks } = JSON.parse(json) as { checks: CheckResult[] };
  assert.deepEqual(checks, [hostile]);
});

test('counts each status, also those that did not occur', () => {
  assert.equal(countsAsText([passed, failed, passed]), '\n2 pass, 0 warn, 1 fail\n');
});

test('is one line of JSON with the checks in order', () => {
  const line = checksAsJson([passed, warned]);
  assert.equal(line.indexOf('\n'), line.length - 1);
  assert.deepEqual(JSON.parse(line), { schemaVersion: 1, ok: true, checks: [passed, warned] });
  const detailed = { ...passed, details: { events: 7 } };
  assert.deepEqual(JSON.parse(checksAsJson([detailed])), { schemaVersion: 1, ok: true, checks: [detailed] });
  assert.equal(checkAsText(detailed, plain), checkAsText(passed, plain));
});

test('only a failure is not ok', () => {
  assert.equal(isOk([passed, warned]), true);
  assert.equal(isOk([passed, warned, failed]), false);
});
