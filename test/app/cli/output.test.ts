import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { logLines, oldNode, Place, withoutOldNode } from '../../e2e/run-cli.ts';

/** More than a pipe holds, so that the reader is gone while there is still something to write. */
const BAD_LINES = 5000;

describe('a reader that closes the output has seen enough', () => {
  const place = new Place({ TALLYSTREAM_QUERY_MAX_OFFSETS_PER_TRIGGER: '200' });
  const largest = 'x'.repeat(8 * 1024 * 1024);
  before(async () => {
    const input = Array.from({ length: BAD_LINES }, (_, n) => `not an event, number ${n}\n`).join('');
    await place.ok(['produce', '--from', '-'], { input: `${largest}\n${input}` });
    await place.ok(['run', '--available-now']);
  });
  after(() => place.remove());

  const nodes = [
    ['this Node', undefined, false],
    ['an old host', oldNode, withoutOldNode],
  ] as const;
  for (const [where, node, skip] of nodes) {
    const options = node === undefined ? {} : { node };
    /** Closes the output at the first byte of it, or at once. */
    const closing = async (
      words: readonly string[],
      env: Record<string, string>,
      atOnce: boolean,
    ): Promise<void> => {
      const cli = place.start(words, { ...options, env });
      if (!atOnce) await cli.until(({ stdout }) => stdout !== '');
      cli.closeStdout();
      const { code, stderr } = await cli.end();
      const own = node === undefined ? stderr : stderr.slice(stderr.indexOf('\n') + 1);
      assert.equal(code, 0, stderr);
      if (words[0] === 'demo') assertDemoLines(own);
      else logLines(own);
    };

    for (const [words, env, atOnce] of [
      [['dead-letters', 'list'], {}, false],
      [['dead-letters', 'list', '--json'], {}, false],
      [['dead-letters', 'show', '0:0', '--raw'], {}, false],
      [['totals'], {}, true],
      [['config', 'show'], {}, true],
      [['--help'], {}, true],
      [['run', '--help'], {}, true],
      [['--version'], {}, true],
      [['run', '--available-now'], { TALLYSTREAM_QUERY_NAME: `once-${where.length}` }, false],
      [
        ['run'],
        { TALLYSTREAM_QUERY_NAME: `more-${where.length}`, TALLYSTREAM_QUERY_TRIGGER: '0 seconds' },
        false,
      ],
      [
        ['demo', '--rate', 'max', '--data-dir', `demo-${where.length}`],
        { TALLYSTREAM_QUERY_TRIGGER: '0 seconds' },
        false,
      ],
    ] as const) {
      test(`\`${words.join(' ')}\` ends quietly, on ${where}`, { skip }, () =>
        closing([...words], env, atOnce),
      );
    }
  }
});

describe('a reader that closes stderr', () => {
  const place = new Place();
  after(() => place.remove());

  for (const [where, node, skip] of [
    ['this Node', undefined, false],
    ['an old host', oldNode, withoutOldNode],
  ] as const) {
    for (const [words, expected] of [
      [['produce', '--events', '100', '--rate', 'max'], 0],
      [['totals', '--data-dir', 'none'], 5],
      [['prodce'], 2],
    ] as const) {
      test(`leaves \`${words.join(' ')}\` its work and its exit code, on ${where}`, { skip }, async () => {
        const cli = place.start([...words], node === undefined ? {} : { node });
        cli.closeStderr();
        const { code } = await cli.end();
        assert.equal(code, expected);
      });
    }
  }
});

/** The log, and the closing summary of its producer, where it got so far. */
function assertDemoLines(stderr: string): void {
  const lines = stderr
    .split(/(?<=\n)/)
    .filter((line) => !/^(?:Stopped: )?[\d,]+ events? delivered in /.test(line));
  logLines(lines.join(''));
}
