import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { lockName } from '../../../src/producer/lines/name-lock.ts';
import { writeFailure } from '../../../src/producer/lines/position-failure.ts';
import {
  readPosition,
  type StoredPosition,
  writePosition,
} from '../../../src/producer/lines/position-file.ts';

const POSITION: StoredPosition = {
  schemaVersion: 2,
  name: 'nightly',
  topic: 'purchases',
  topicId: 'a-topic',
  lines: 1_234,
  bytes: 98_765,
  offsets: [400, 0, 812],
  newest: [
    { offset: 399, firstLine: 1_200, lastLine: 1_234 },
    null,
    { offset: 811, firstLine: 1, lastLine: 9 },
  ],
  input: { kind: 'file', headBytes: 65_536, headSha256: 'ab12' },
};
const withoutUsers = process.platform === 'win32' ? 'rights are POSIX' : false;

/** Root may do everything, so this becomes somebody else for a moment if it is root. */
async function asOther(act: () => Promise<void>): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    await act();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

let root: string;
let path: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tallystream-position-'));
  path = join(root, 'producers', 'nightly.json');
});
afterEach(() => {
  if (existsSync(join(root, 'producers'))) chmodSync(join(root, 'producers'), 0o700);
  rmSync(root, { recursive: true });
});

test('a position is read as it was written, and only its user can read the file', async () => {
  assert.equal(await readPosition(path), undefined);
  await writePosition(path, POSITION);
  assert.deepEqual(await readPosition(path), POSITION);
  if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('any flipped bit of the file is found, or changes nothing', async () => {
  await writePosition(path, POSITION);
  const bytes = readFileSync(path);
  let harmless = 0;
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    writeFileSync(path, flipped);
    try {
      assert.deepEqual(await readPosition(path), POSITION, `bit ${bit}`);
      harmless += 1;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'INPUT_UNREADABLE', `bit ${bit}: ${String(error)}`);
    }
  }
  // White space between the values.
  assert.ok(harmless < bytes.length, `${harmless} flips were harmless`);
});

describe('a position is refused with a code', () => {
  const refused = (why: RegExp) => ({ code: 'INPUT_UNREADABLE', message: why });

  test('if it is not JSON, lacks a part, was edited, or is of a newer version', async () => {
    await writePosition(path, POSITION);
    const text = readFileSync(path, 'utf8');
    for (const [changed, why] of [
      ['', /not JSON/],
      [text.slice(0, -10), /not JSON/],
      ['null', /part of the position is missing/],
      ['{"schemaVersion":1,"lines":-1}', /part of the position is missing/],
      [text.replace('1234,', '1235,'), /checksum/],
      [text.replace('"schemaVersion": 2', '"schemaVersion": 3'), /newer version/],
    ] as const) {
      writeFileSync(path, changed);
      await assert.rejects(readPosition(path), refused(why), changed);
    }
  });

  test('if there is a folder or a named pipe in its place', async () => {
    mkdirSync(path, { recursive: true });
    await assert.rejects(readPosition(path), refused(/It is not a file|a folder at this path/));
    if (process.platform === 'win32') return;
    rmSync(path, { recursive: true });
    execFileSync('mkfifo', [path]);
    await assert.rejects(readPosition(path), refused(/It is not a file/));
  });

  test('if this user may not read it', { skip: withoutUsers }, async () => {
    await writePosition(path, POSITION);
    chmodSync(path, 0o000);
    await asOther(() => assert.rejects(readPosition(path), refused(/does not have permission/)));
  });
});

describe('storing a position', () => {
  test('never writes through a link at NAME.json.new, and removes what a killed run left there', async () => {
    mkdirSync(join(root, 'producers'));
    const victim = join(root, 'victim');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, `${path}.new`);
    await writePosition(path, POSITION);
    assert.equal(readFileSync(victim, 'utf8'), 'precious');
    assert.ok(lstatSync(path).isFile());
    assert.deepEqual(await readPosition(path), POSITION);
    writeFileSync(`${path}.new`, 'half a position');
    await writePosition(path, { ...POSITION, lines: 2_000 });
    assert.equal((await readPosition(path))?.lines, 2_000);
    assert.equal(existsSync(`${path}.new`), false);
  });

  test('says what is in the way, with a code', async () => {
    writeFileSync(join(root, 'producers'), '');
    await assert.rejects(writePosition(path, POSITION), { code: 'CONFIG_INVALID', message: /nightly\.json/ });
    rmSync(join(root, 'producers'));
    mkdirSync(path, { recursive: true });
    await assert.rejects(writePosition(path, POSITION), {
      code: 'CONFIG_INVALID',
      message: /a folder at this path/,
    });
    rmSync(path, { recursive: true });
    rmSync(`${path}.new`);
    mkdirSync(`${path}.new`);
    await assert.rejects(writePosition(path, POSITION), { code: 'CONFIG_INVALID' });
  });

  test('into a folder without the right to write says so', { skip: withoutUsers }, async () => {
    mkdirSync(join(root, 'producers'));
    chmodSync(join(root, 'producers'), 0o500);
    await asOther(() =>
      assert.rejects(writePosition(path, POSITION), {
        code: 'CONFIG_INVALID',
        message: /This user does not have permission\. Give this user write access/,
      }),
    );
  });

  test('onto a full disk says so, and names another failure of the disk as one', () => {
    const failing = (code: string) => writeFailure(path, Object.assign(new Error(`${code}: no`), { code }));
    for (const [code, ours] of [
      ['ENOSPC', 'STORAGE_FULL'],
      ['EDQUOT', 'STORAGE_FULL'],
      ['EIO', 'DELIVERY_FAILED'],
      ['EROFS', 'CONFIG_INVALID'],
      ['ELOOP', 'CONFIG_INVALID'],
    ] as const) {
      const error = failing(code) as { code: string; message: string };
      assert.equal(error.code, ours, code);
      assert.match(error.message, /nightly\.json/);
    }
  });
});

describe('the lock of a name', () => {
  const lockPath = () => join(root, 'producers', 'nightly.lock');

  test('below a file in place of its folder is refused with a code', async () => {
    writeFileSync(join(root, 'producers'), '');
    await assert.rejects(lockName(lockPath(), 'nightly', systemClock), {
      code: 'CONFIG_INVALID',
      message: /nightly\.lock/,
    });
  });

  test('that is damaged, a folder or a link is refused as what it is, and not as another producer', async () => {
    mkdirSync(join(root, 'producers'));
    writeFileSync(
      lockPath(),
      'this is not a database, and long enough for SQLite to see that it is none'.repeat(20),
    );
    await assert.rejects(lockName(lockPath(), 'nightly', systemClock), {
      code: 'CONFIG_INVALID',
      message:
        /The lock .*nightly\.lock cannot be used\. .*stop the producer of this name and remove the file/,
    });
    rmSync(lockPath());
    mkdirSync(lockPath());
    await assert.rejects(lockName(lockPath(), 'nightly', systemClock), { code: 'CONFIG_INVALID' });
    rmSync(lockPath(), { recursive: true });
    symlinkSync(join(root, 'elsewhere'), lockPath());
    await assert.rejects(lockName(lockPath(), 'nightly', systemClock), { code: 'CONFIG_INVALID' });
    assert.equal(existsSync(join(root, 'elsewhere')), false);
  });

  test('is a file that only its user can read', { skip: process.platform === 'win32' }, async () => {
    const lock = await lockName(lockPath(), 'nightly', systemClock);
    assert.equal(statSync(lockPath()).mode & 0o777, 0o600);
    lock.release();
  });
});
