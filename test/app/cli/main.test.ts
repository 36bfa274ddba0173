import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { oldNode, Place, withoutOldNode } from '../../e2e/run-cli.ts';

const place = new Place();
after(() => place.remove());

describe('usage', () => {
  const WRONG: readonly (readonly [words: string, says: RegExp])[] = [
    ['prodce', /unknown command 'prodce'\n\(Did you mean produce\?\)/],
    ['dead-letters lst', /unknown command 'lst'\n\(Did you mean list\?\)/],
    ['run --avalable-now', /unknown option '--avalable-now'\n\(Did you mean --available-now\?\)/],
    ['demo --event 5', /unknown option '--event'\n\(Did you mean --events\?\)/],
    ['demo --events 5x', /'--events <N>' argument '5x' is invalid\. It must be a whole number\./],
    ['run --max-batches -1', /'--max-batches <N>' argument '-1' is invalid/],
    ['produce --events', /'--events <N>' argument missing/],
    ['run now', /too many arguments for 'run'/],
    ['dead-letters show', /missing required argument 'partition:offset'/],
    ['dead-letters show 17', /17 is not a position\.\n {2}hint: Give partition:offset/],
    ['dead-letters list --reason LTE', /There is no reason LTE\.\n {2}hint: Did you mean LATE\?/],
    ['dead-letters list --reason unheard-of', /The reasons are MALFORMED_JSON, .*, DUPLICATE\./],
    ['produce --resume nightly', /--resume needs --from/],
    ['produce --from - --resend-lost', /--resend-lost needs --resume/],
    ['produce --from x.ndjson --seed 3', /--from and --seed cannot be used together/],
    ['produce --time-scale 60', /--time-scale needs --start-time/],
    ['produce --start-time 2024-06-26 --time-scale fast', /--time-scale fast is not a positive number/],
    ['produce --start-time 2024-06-26 --time-scale 0', /--time-scale 0 is not a positive number/],
    [
      'produce --start-time yesterday',
      /--start-time yesterday is not a time\.\n {2}hint: Give a day such as/,
    ],
    ['produce --start-time 2999-01-01', /The start time is in the future/],
    ['demo --start-time 2024-02-30', /--start-time 2024-02-30 is not a time/],
  ];
  for (const [words, says] of WRONG) {
    test(`refuses \`${words}\` with exit code 2, one explanation, and nothing made`, async () => {
      const { code, stdout, stderr } = await place.run(words.split(' '));
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /^ +at /m);
      assert.ok(!existsSync(place.dataDir), 'no data folder is made for a command that is not understood');
    });
  }

  test('shows the commands, exits with 2, where none is named', async () => {
    for (const words of [[], ['dead-letters'], ['config']]) {
      const { code, stdout, stderr } = await place.run(words);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /^Usage: tallystream .*\n[^]*Commands:/);
    }
  });
});

describe('help', () => {
  test('lists the commands there are, and none that is yet to come', async () => {
    const { stdout, stderr } = await place.ok(['--help']);
    const commands = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}([a-z-]+)/gm)].map(
      ([, name]) => name,
    );
    assert.deepEqual(commands, [
      'demo',
      'produce',
      'run',
      'totals',
      'dead-letters',
      'topic',
      'checkpoint',
      'doctor',
      'config',
      'bench',
    ]);
    assert.equal(stderr, '');
  });

  test('of a command has its flags and those of all commands', async () => {
    const { stdout } = await place.ok(['produce', '--help']);
    for (const flag of [
      '--events',
      '--rate',
      '--seed',
      '--start-time',
      '--time-scale',
      '--from',
      '--resume',
      '--resend-lost',
    ]) {
      assert.ok(stdout.includes(flag), flag);
    }
    for (const flag of [
      '--config',
      '--data-dir',
      '--log',
      '--bootstrap-servers',
      '--topic',
      '--ui-port',
      '--json',
      '-X <kafka.NAME=VALUE>',
    ]) {
      assert.ok(stdout.includes(flag), flag);
    }
  });
});

describe('configuration', () => {
  test('that is wrong ends a command with exit code 3 and every place of it', async () => {
    writeFileSync(join(place.folder, 'wrong.yaml'), 'query:\n  triger: 5 seconds\n  time_zone: Mars/Base\n');
    const { code, stdout, stderr } = await place.run(['run', '--config', 'wrong.yaml']);
    assert.deepEqual([code, stdout], [3, '']);
    assert.match(stderr, /wrong\.yaml:2:3: There is no key "query\.triger"\. Did you mean query\.trigger\?/);
    assert.match(stderr, /wrong\.yaml:3:14: query\.time_zone must be a time zone/);
    assert.match(stderr, /\(CONFIG_INVALID\)\n$/);
  });

  test('that is not there, not known or not possible yet is said so', async () => {
    const unknown = { TALLYSTREAM_QUERY_TRIGER: '3 seconds' };
    const cases = [
      [place.run(['run', '--config', 'none.yaml']), /none\.yaml: There is no such file/],
      [
        place.run(['run'], { env: unknown }),
        /"TALLYSTREAM_QUERY_TRIGER"\. Did you mean TALLYSTREAM_QUERY_TRIGGER\?/,
      ],
      [
        place.run(['run'], { env: { TALLYSTREAM_QUERY_OUTPUT_MODE: 'append' } }),
        /query\.output_mode cannot be append yet\. The output mode append comes with a later/,
      ],
      [place.run(['produce', '--log', 'kafak']), /--log: log\.type must be/],
      [
        place.run(['produce', '--rate', 'fast']),
        /--rate: producer\.rate must be a number .* or max, but is "fast"/,
      ],
      [
        place.run(['run', '-X', 'kafka.group.id=mine', '-Xkafka.lingerms=5']),
        /-X kafka\.group\.id: kafka\.group\.id cannot be set\.[^]*-X kafka\.lingerms: .*Did you mean kafka\.linger\.ms\?/,
      ],
    ] as const;
    for (const [ended, says] of cases) {
      const { code, stdout, stderr } = await ended;
      assert.deepEqual([code, stdout], [3, ''], stderr);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /^ +at /m);
    }
    assert.ok(!existsSync(place.dataDir));
  });
});

describe('a failure', () => {
  test('without a checkpoint has exit code 5 and says what to do', async () => {
    for (const words of [
      ['totals'],
      ['totals', '--json'],
      ['dead-letters', 'list'],
      ['dead-letters', 'redrive'],
    ]) {
      const { code, stdout, stderr } = await place.run(words);
      assert.deepEqual([code, stdout], [5, '']);
      assert.match(
        stderr,
        /^tallystream: There is no checkpoint in .*\n {2}why: .*\n {2}hint: .*\n {2}\(CHECKPOINT_NOT_FOUND\)\n$/,
      );
      assert.ok(!existsSync(place.dataDir), 'a look leaves nothing behind');
    }
  });

  test('shows a stack where every detail was asked for, and only there', async () => {
    for (const flag of [['--log-level', 'debug'], ['--log-level=debug']]) {
      assert.match((await place.run(['totals', ...flag])).stderr, /^ +at .*\.ts:\d+/m);
    }
    for (const flag of [[], ['--log-level', 'info']]) {
      assert.doesNotMatch((await place.run(['totals', ...flag])).stderr, /^ +at /m);
    }
  });

  test('quotes what was typed without letting it act on the terminal', async () => {
    const { stderr } = await place.run(['dead-letters', 'list', '--reason', 'x\u001b[31m']);
    assert.match(stderr, /There is no reason x\\u\{1b\}\[31m\./);
  });
});

test(
  'an old host gives the same answers and exit codes, behind one line of its own',
  { skip: withoutOldNode },
  async () => {
    const node = oldNode as string;
    const commands = [
      ['--help'],
      ['totals'],
      ['run', '--log', 'kafak'],
      ['prodce'],
      ['config', 'show', '--json'],
    ];
    for (const words of commands) {
      const [here, there] = await Promise.all([place.run(words), place.run(words, { node })]);
      assert.deepEqual([there.code, there.stdout], [here.code, here.stdout]);
      const [first = '', ...rest] = there.stderr.split('\n');
      assert.match(first, /^tallystream: this machine's Node .*; running on the package's own v/);
      assert.equal(rest.join('\n'), here.stderr);
    }
  },
);
