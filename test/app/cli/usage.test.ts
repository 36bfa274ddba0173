import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeUsageFault } from '../../../src/app/cli/usage.ts';

test('what the parser says is kept, but for the values in it', () => {
  const cases: [said: string, told: string][] = [
    [
      "unknown option '--event'\n(Did you mean --events?)",
      "unknown option '--event'\n(Did you mean --events?)",
    ],
    ["unknown option '--sasl-password=hunter2'", "unknown option '--sasl-password'"],
    ["unknown option '--sasl-password:it's\nhunter2'", "unknown option '--sasl-password'"],
    ["unknown option '-phunter2'", "unknown option '-p'"],
    ["unknown option '--Kanarie77Xkq9'", "unknown option '--…'"],
    [
      "unknown command 'prodce'\n(Did you mean produce?)",
      "unknown command 'prodce'\n(Did you mean produce?)",
    ],
    ["unknown command 'Kanarie77Xkq9'", "unknown command '********'"],
    [
      "too many arguments for 'run'. Expected 0 arguments but got 2: hunter2, a: b.",
      "too many arguments for 'run'. Expected 0 arguments but got 2.",
    ],
    [
      "option '--events <N>' argument '5x' is invalid. It must be a whole number.",
      "option '--events <N>' argument '5x' is invalid. It must be a whole number.",
    ],
    [
      "option '--events <N>' argument 'Kanarie77Xkq9' is invalid. It must be a whole number.",
      "option '--events <N>' argument '********' is invalid. It must be a whole number.",
    ],
    ["option '--events <N>' argument missing", "option '--events <N>' argument missing"],
  ];
  for (const [said, told] of cases) assert.equal(describeUsageFault(`error: ${said}\n`), `${told}\n`);
});

test('what was typed cannot act on the terminal', () => {
  for (const said of [
    "unknown option '--x\u001b[31m'",
    "unknown command 'x\u001b[31m'",
    "option '--events <N>' argument '\u001b[31m' is invalid. It must be a whole number.",
    'too many arguments. Expected 0 arguments but got 1: \u001b[31m.',
  ]) {
    assert.ok(!describeUsageFault(`error: ${said}\n`).includes('\u001b'), said);
  }
});
