/** Real brokers for a test: in temporary folders, on free ports, from the jars that a checkout fetches once. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, metadataV12 } from '@platformatic/kafka';
import { KafkaFault } from '../../scripts/kafka/fault.js';
import { brokerWords, format, pathsOf } from '../../scripts/kafka/folder.js';
import { fetchJars, findJava } from '../../scripts/kafka/java.js';
import { waitUntilReady } from '../../scripts/kafka/local-broker.js';
import { freePort } from '../../scripts/kafka/ports.js';
import { serverProperties } from '../../scripts/kafka/properties.js';
import { settingsOf } from '../../scripts/kafka/settings.js';
import { makeTopics } from '../../scripts/kafka/topics.js';
import type { NewTopic } from '../../scripts/kafka/wire.js';

/** Tests keep little, and several brokers run at once. */
const HEAP = '-Xms32m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1';
/** Bounds of what ends by itself, for a machine that has much else to do. */
const STOP_TIMEOUT_MS = 120_000;
const END_TIMEOUT_MS = 60_000;
const IN_SYNC_TIMEOUT_MS = 180_000;

export const kafkaSettings = settingsOf({}, process.cwd());

let reason: string | false | undefined;

/**
 * Why tests with a broker are left out; false where there is one to be had. Fetches the jars where they are missing.
 * With KAFKA_TESTS=required, as continuous integration sets it, nothing is left out: what is missing is an error.
 */
export function withoutKafka(): string | false {
  reason ??= whyWithout();
  return reason;
}

function whyWithout(): string | false {
  if (process.platform === 'win32') return 'a broker without Docker does not run on Windows';
  try {
    findJava(process.env);
    fetchJars(kafkaSettings.libs, process.env, () => undefined);
    return false;
  } catch (error) {
    if (!(error instanceof KafkaFault) || process.env['KAFKA_TESTS'] === 'required') throw error;
    return `no broker here: ${error.what}`;
  }
}

export interface BrokerPorts {
  /** Where clients connect without TLS. */
  readonly port: number;
  readonly controllerPort: number;
}

export interface BrokerOptions {
  /** Settings of the broker beside those of scripts/kafka/properties.js, or in their place. */
  readonly properties?:
    Readonly<Record<string, string>> | ((ports: BrokerPorts) => Readonly<Record<string, string>>);
  /** Further words for `StorageTool format`, such as `--add-scram`. */
  readonly formatWords?: readonly string[];
  /** Further words for the broker's JVM, such as `-Dname=value`. */
  readonly jvm?: readonly string[];
  readonly topics?: readonly NewTopic[];
}

/** Starts a broker and waits until it answers. Whoever starts one stops it. */
export async function startBroker(options: BrokerOptions = {}): Promise<TestBroker> {
  const without = withoutKafka();
  assert.equal(without, false, 'ask withoutKafka() first, and skip');
  const ports = { port: await freePort(), controllerPort: await freePort() };
  const broker = new TestBroker(ports, options);
  try {
    await broker.restart();
    await makeTopics(ports.port, options.topics ?? []);
    return broker;
  } catch (error) {
    await broker.stop();
    throw error;
  }
}

/** Several brokers that are one cluster. */
export interface TestCluster {
  readonly brokers: readonly TestBroker[];
  /** All of them, as `--bootstrap-servers` takes it. */
  readonly bootstrap: string;
  /** Resolves when every replica of every topic is in sync, as who restarts brokers one by one waits for. */
  whenInSync(): Promise<void>;
  /** Ends all of them, and removes their folders. A repeat does nothing. */
  stop(): Promise<void>;
}

/**
 * Starts brokers that are controllers too, and waits until all of them answer. Every topic has as many replicas as there
 * are brokers, and one of them may be away.
 * @param properties of all, or of the one with the index
 */
export async function startCluster(
  size: number,
  properties: Readonly<Record<string, string>> | ((index: number) => Readonly<Record<string, string>>) = {},
): Promise<TestCluster> {
  const without = withoutKafka();
  assert.equal(without, false, 'ask withoutKafka() first, and skip');
  const places: BrokerPorts[] = [];
  for (let index = 0; index < size; index += 1) {
    places.push({ port: await freePort(), controllerPort: await freePort() });
  }
  const copies = { factor: String(size), inSync: String(size - 1) };
  const voters = places.map(({ controllerPort }, index) => `${index + 1}@127.0.0.1:${controllerPort}`);
  const brokers = places.map((ports, index) => {
    const ofCluster = {
      'node.id': String(index + 1),
      'controller.quorum.voters': voters.join(','),
      'default.replication.factor': copies.factor,
      'min.insync.replicas': copies.inSync,
      'offsets.topic.replication.factor': copies.factor,
      'transaction.state.log.replication.factor': copies.factor,
      'transaction.state.log.min.isr': copies.inSync,
      ...(typeof properties === 'function' ? properties(index) : properties),
    };
    return new TestBroker(ports, { properties: ofCluster });
  });
  const stop = async () => {
    await Promise.all(brokers.map((broker) => broker.stop()));
  };
  try {
    // One alone has no quorum and never answers.
    await Promise.all(brokers.map((broker) => broker.restart()));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    brokers,
    bootstrap: brokers.map(({ bootstrap }) => bootstrap).join(','),
    whenInSync: () => whenInSync(places),
    stop,
  };
}

/** By what every broker says: one that has just started may know less than the others. */
async function whenInSync(places: readonly BrokerPorts[]): Promise<void> {
  const endMs = performance.now() + IN_SYNC_TIMEOUT_MS;
  for (const { port } of places) {
    while (!(await seesAllInSync(port, places.length))) {
      assert.ok(performance.now() < endMs, 'the replicas did not come into sync');
      await sleep(100);
    }
  }
}

async function seesAllInSync(port: number, size: number): Promise<boolean> {
  const connection = new Connection('test');
  connection.on('error', () => undefined);
  try {
    await connection.connect('127.0.0.1', port);
    const { brokers, topics } = await metadataV12.api.async(connection, null, false, false);
    const partitions = topics.flatMap((topic) => topic.partitions);
    return brokers.length === size && partitions.every(({ isrNodes }) => isrNodes.length === size);
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

export class TestBroker {
  readonly port: number;
  /** host:port, as `--bootstrap-servers` takes it. */
  readonly bootstrap: string;
  readonly folder: string;
  readonly java: string;
  private readonly jvm: readonly string[];
  private child: ChildProcess | undefined;

  constructor(ports: BrokerPorts, { properties = {}, formatWords = [], jvm = [] }: BrokerOptions) {
    this.jvm = jvm;
    this.port = ports.port;
    this.bootstrap = `127.0.0.1:${ports.port}`;
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'tallystream-kafka-')));
    this.java = findJava(process.env).path;
    const extra = typeof properties === 'function' ? properties(ports) : properties;
    const paths = pathsOf(this.folder);
    writeFileSync(paths.properties, serverProperties({ ...ports, dataFolder: paths.data }, extra));
    const { clusterId, libs } = kafkaSettings;
    format({ folder: this.folder, libs, java: this.java, clusterId, extra: formatWords, env: process.env });
  }

  get pid(): number {
    assert.ok(this.child?.pid !== undefined, 'the broker has not been started');
    return this.child.pid;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Everything that the broker has logged, over all its starts. */
  log(): string {
    return readFileSync(pathsOf(this.folder).log, 'utf8');
  }

  /** Sends a signal. Resolves when the broker has ended, for signals that end it: not for SIGSTOP and SIGCONT. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    assert.ok(this.isRunning, 'the broker has ended already');
    this.child?.kill(signal);
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') return;
    assert.ok(await this.hasEndedWithin(STOP_TIMEOUT_MS), `the broker did not end after ${signal}`);
  }

  /** Starts the broker on the same port and data, where it runs no longer, and waits until it answers. */
  async restart(): Promise<void> {
    if (this.isRunning) await this.kill('SIGTERM');
    const { log } = pathsOf(this.folder);
    const { libs } = kafkaSettings;
    const mark = `-Dtallystream.test=${process.pid}`;
    const out = openSync(log, 'a');
    try {
      this.child = spawn(
        this.java,
        brokerWords({ folder: this.folder, libs, mark, heap: HEAP, jvm: this.jvm }),
        {
          cwd: this.folder,
          stdio: ['ignore', out, out],
        },
      );
    } finally {
      closeSync(out);
    }
    endWithThisProcess(this.child);
    await waitUntilReady({ port: this.port, log, hasEnded: () => !this.isRunning });
  }

  /** Ends the broker, whatever state it is in, and removes its folder. A repeat does nothing. */
  async stop(): Promise<void> {
    if (this.isRunning) {
      this.child?.kill('SIGKILL');
      assert.ok(await this.hasEndedWithin(END_TIMEOUT_MS), 'the broker did not end after SIGKILL');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async hasEndedWithin(timeoutMs: number): Promise<boolean> {
    const endMs = performance.now() + timeoutMs;
    while (this.isRunning && performance.now() < endMs) await sleep(20);
    return !this.isRunning;
  }
}

const children = new Set<ChildProcess>();

/** A test that is ended from outside leaves no broker behind. */
function endWithThisProcess(child: ChildProcess): void {
  if (children.size === 0) {
    process.on('exit', killAll);
    process.once('SIGTERM', () => {
      killAll();
      process.exit(143);
    });
  }
  children.add(child);
}

function killAll(): void {
  for (const child of children) child.kill('SIGKILL');
}
