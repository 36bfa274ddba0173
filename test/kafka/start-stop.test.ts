import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pathsOf } from '../../scripts/kafka/folder.js';
import { classPathOf, findJava, javaVersionOf } from '../../scripts/kafka/java.js';
import { freePort, isFree } from '../../scripts/kafka/ports.js';
import { clusterIdAt } from '../../scripts/kafka/wire.js';
import { kafkaSettings, withoutKafka } from './broker.ts';

const OTHER_CLUSTER = 'b3RoZXItY2x1c3Rlci1pZA';
/** A start may fetch nothing here, but a loaded machine takes its time with three processes of Java. */
const RUN_MS_MAX = 300_000;
const ANSWER_MS_MAX = 60_000;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs scripts/kafka/start.js or stop.js with these settings and none of this machine's. */
function run(script: 'start' | 'stop', env: Readonly<Record<string, string>>): Promise<Ended> {
  const path = fileURLToPath(new URL(`../../scripts/kafka/${script}.js`, import.meta.url));
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:KAFKA|TALLYSTREAM)_/.test(name));
  const child = spawn(process.execPath, [path], {
    env: { ...Object.fromEntries(inherited), KAFKA_RUNTIME: 'java', KAFKA_LIBS: kafkaSettings.libs, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_MS_MAX,
    killSignal: 'SIGKILL',
  });
  const ended = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...ended }));
  });
}

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tallystream-kafka-'));
}

/** A folder with programs in it that are shell scripts. */
function programs(folder: string, scripts: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(folder, 'path-'));
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(path, name), 0o755);
  }
  return path;
}

const JAVA_17 = 'echo \'openjdk version "17.0.1" 2021-10-19\' >&2';

describe('without what it needs, a start', { skip: process.platform === 'win32' }, () => {
  const folder = temporaryFolder();
  let port: number;
  before(async () => {
    port = await freePort();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const refused = async (env: Readonly<Record<string, string>>, code: number, ...says: readonly RegExp[]) => {
    const dir = join(folder, 'kafka');
    const ended = await run('start', { KAFKA_DIR: dir, KAFKA_PORT: String(port), JAVA_HOME: '', ...env });
    assert.deepEqual([ended.code, ended.stdout], [code, ''], ended.stderr);
    for (const words of says) assert.match(ended.stderr, words);
    assert.doesNotMatch(ended.stderr, /^ +at /m, 'words and no stack');
    assert.ok(!existsSync(pathsOf(dir).pid), 'nothing runs');
    assert.ok(!existsSync(pathsOf(dir).starting), 'the next start is not held up');
  };

  test('names the Java that is missing and how to install it', async () => {
    const nothing = programs(folder, {});
    await refused(
      { PATH: nothing },
      3,
      /^kafka: There is no Java on this machine\./,
      /hint: Install Java 17/,
    );
    await refused({ PATH: nothing, JAVA_HOME: nothing }, 3, /There is no Java in JAVA_HOME \(/);
  });

  test('names the Java that is too old', async () => {
    const old = programs(folder, { java: 'echo \'openjdk version "11.0.22" 2024-01-16\' >&2' });
    await refused({ PATH: old }, 3, /^kafka: Java 11 \(java\) is too old for Kafka \d/);
  });

  test('names the Maven that is missing, and passes on what one says that fails', async () => {
    const libs = { KAFKA_LIBS: join(folder, 'libs') };
    const without = programs(folder, { java: JAVA_17 });
    await refused(
      { ...libs, PATH: without },
      3,
      /^kafka: Maven \(mvn\) is not on the PATH/m,
      /apt-get install maven/,
    );
    const failing = programs(folder, {
      java: JAVA_17,
      mvn: 'echo Building; echo "[ERROR] no route to host"; exit 1',
    });
    await refused(
      { ...libs, PATH: failing },
      3,
      /^kafka: Maven could not fetch Kafka [\d.]+\.\n {4}\[ERROR\] no route to host\n {2}hint: /m,
    );
    assert.ok(!existsSync(libs.KAFKA_LIBS), 'half of the jars are never taken for all');
  });

  test('says that the port is taken', async () => {
    const server = createServer((socket) =>
      socket
        .on('error', () => undefined)
        .resume()
        .end('SSH-2.0-none\r\n'),
    );
    await new Promise<void>((resolve) => void server.listen({ host: '127.0.0.1', port }, resolve));
    try {
      await refused(
        { PATH: programs(folder, { java: JAVA_17 }) },
        4,
        /^kafka: Port \d+ is taken by another program\.\n {2}hint: .* KAFKA_PORT=\d+\n$/,
      );
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('refuses settings that cannot be meant', async () => {
    await refused(
      { KAFKA_PORT: '70000' },
      2,
      /KAFKA_PORT must be a whole number from 1 to 65535, and is "70000"/,
    );
    await refused({ KAFKA_RUNTIME: 'podman' }, 2, /KAFKA_RUNTIME must be auto, docker, java/);
    await refused({ KAFKA_CLUSTER_ID: 'short' }, 2, /KAFKA_CLUSTER_ID must be 22 letters/);
  });

  test('that finds no Docker daemon, where Docker is asked for, says so', async () => {
    const path = programs(folder, { docker: 'echo "Cannot connect to the Docker daemon" >&2; exit 1' });
    await refused(
      { KAFKA_RUNTIME: 'docker', PATH: path },
      4,
      /`docker compose up --detach --wait kafka` failed\.\n {4}Cannot connect to the Docker daemon/,
    );
  });

  test('reads the versions that Javas print', () => {
    assert.equal(javaVersionOf('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime'), 17);
    assert.equal(javaVersionOf('openjdk version "21" 2023-09-19'), 21);
    assert.equal(javaVersionOf('java version "1.8.0_402"'), 8);
    assert.equal(javaVersionOf('Unable to locate a Java Runtime.'), undefined);
  });
});

describe('a broker from its jars', { skip: withoutKafka() }, () => {
  const folder = temporaryFolder();
  const paths = pathsOf(folder);
  let port: number;
  let env: Readonly<Record<string, string>>;
  before(async () => {
    port = await freePort();
    env = { KAFKA_DIR: folder, KAFKA_PORT: String(port), KAFKA_HEAP_OPTS: '-Xms32m -Xmx256m' };
  });
  after(async () => {
    await run('stop', { ...env, KAFKA_STOP_SECONDS: '1' });
    rmSync(folder, { recursive: true, force: true });
  });
  const pid = (): number => (JSON.parse(readFileSync(paths.pid, 'utf8')) as { pid: number }).pid;

  test('that ends while it is starting is reported with the end of its log', async () => {
    const ended = await run('start', { ...env, KAFKA_HEAP_OPTS: '-Xms64m -Xmx1m' });
    assert.equal(ended.code, 4, ended.stderr);
    assert.match(
      ended.stderr,
      /^kafka: Kafka ended while it was starting\.\n {4}Error occurred .*\n {4}.*heap size/m,
    );
    assert.ok(ended.stderr.includes(paths.log), 'it says where the whole log is');
    assert.ok(!existsSync(paths.pid));
  });

  test('answers when the start has ended, has the topics, and says where its log is', async () => {
    const ended = await run('start', env);
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(
      ended.stdout,
      new RegExp(`^Kafka [\\d.]+ runs on 127\\.0\\.0\\.1:${port} \\(process \\d+, Java \\d+\\)`),
    );
    assert.ok(ended.stdout.includes(paths.log));
    assert.match(readFileSync(paths.log, 'utf8'), /Kafka Server started/);
    assert.equal(await clusterIdAt(port, ANSWER_MS_MAX), kafkaSettings.clusterId);

    const topics = await describeTopics(port);
    assert.deepEqual([...topics.keys()].sort(), [
      'purchasing_events',
      'purchasing_events.dead-letters',
      'purchasing_events.totals',
    ]);
    assert.match(topics.get('purchasing_events') ?? '', /PartitionCount: 4\b/);
    assert.match(topics.get('purchasing_events.totals') ?? '', /cleanup\.policy=compact\b/);
  });

  test('listens on this machine alone', async () => {
    const listeners = /^listeners=(.*)$/m.exec(readFileSync(paths.properties, 'utf8'))?.[1] ?? '';
    assert.match(listeners, /^PLAINTEXT:\/\/127\.0\.0\.1:\d+,CONTROLLER:\/\/127\.0\.0\.1:\d+$/);
  });

  test('is not started twice', async () => {
    const before = pid();
    const ended = await run('start', env);
    assert.deepEqual([ended.code, pid()], [0, before], ended.stderr);
    assert.match(
      ended.stdout,
      new RegExp(`^Kafka runs already on 127\\.0\\.0\\.1:${port} \\(process ${before}\\)`),
    );

    const elsewhere = await run('start', { ...env, KAFKA_PORT: String(await freePort()) });
    assert.equal(elsewhere.code, 2);
    assert.match(elsewhere.stderr, new RegExp(`runs already, on port ${port}; port \\d+ was asked for`));
  });

  test('keeps its port from another one, and is not stopped from the folder of that one', async () => {
    const other = join(folder, 'other');
    const ended = await run('start', { ...env, KAFKA_DIR: other });
    assert.equal(ended.code, 4);
    assert.match(ended.stderr, /is taken by another Kafka \(cluster dGFsbHlzdHJlYW0ta2Fmaw\)\./);

    // A number that has gone to another process since, here to the broker of this test.
    mkdirSync(other, { recursive: true });
    writeFileSync(
      pathsOf(other).pid,
      JSON.stringify({ pid: pid(), port, mark: '-Dtallystream.start=earlier' }),
    );
    const stopped = await run('stop', { ...env, KAFKA_DIR: other });
    assert.deepEqual([stopped.code, stopped.stdout], [0, 'Kafka is not running.\n']);
    assert.equal(await clusterIdAt(port, ANSWER_MS_MAX), kafkaSettings.clusterId, 'it still runs');
  });

  test('that does not obey is killed after a bounded time', async () => {
    process.kill(pid(), 'SIGSTOP');
    const ended = await run('stop', { ...env, KAFKA_STOP_SECONDS: '1' });
    assert.deepEqual(
      [ended.code, ended.stdout],
      [0, 'Kafka did not end by itself and was killed; its topics stay.\n'],
    );
    assert.ok(await isFree(port));
  });

  test('is refused where its data are those of another cluster', async () => {
    const ended = await run('start', { ...env, KAFKA_CLUSTER_ID: OTHER_CLUSTER });
    assert.deepEqual([ended.code, ended.stdout], [4, '']);
    assert.match(
      ended.stderr,
      /holds the data of another cluster: its id is dGFsbHlzdHJlYW0ta2Fmaw, and b3RoZXItY2x1c3Rlci1pZA is to be started\.\n {2}hint: Start that one with KAFKA_CLUSTER_ID=dGFsbHlzdHJlYW0ta2Fmaw,/,
    );
    assert.ok(await isFree(port));
  });

  test('starts again on what a kill has left, keeps the earlier log, and stops when it is asked to', async () => {
    const started = await run('start', env);
    assert.equal(started.code, 0, started.stderr);
    assert.ok(existsSync(paths.previousLog));
    const stopped = await run('stop', env);
    assert.deepEqual(
      [stopped.code, stopped.stdout],
      [0, 'Kafka is stopped; its topics stay.\n'],
      stopped.stderr,
    );
    assert.ok(await isFree(port));
    const again = await run('stop', env);
    assert.deepEqual([again.code, again.stdout], [0, 'Kafka is not running.\n']);
  });
});

/** What Kafka's own tool says about each topic. */
async function describeTopics(port: number): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await promisify(execFile)(findJava(process.env).path, [
    '-cp',
    classPathOf(kafkaSettings.libs),
    'org.apache.kafka.tools.TopicCommand',
    '--bootstrap-server',
    `127.0.0.1:${port}`,
    '--describe',
  ]);
  const rows = stdout.split('\n').filter((row) => row.startsWith('Topic: '));
  return new Map(rows.map((row) => [/^Topic: (\S+)/.exec(row)?.[1] ?? '', row]));
}
