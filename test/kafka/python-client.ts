/** Another client of Kafka, written in another language: what it reads and what it writes. See python/. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { KafkaFault } from '../../scripts/kafka/fault.js';
import { fetchPython, PYTHON_FOLDER, pythonOf } from '../../scripts/kafka/python.js';
import type { TestBroker } from './broker.ts';

const RUN_MS_MAX = 300_000;

interface Row {
  readonly total: string;
  readonly transactions: number;
}

/** As `totals --json` has them, but for the order of categories with equal totals. */
export interface TopicSums {
  readonly runningTotals: readonly (Row & { readonly currency: string })[];
  readonly days: readonly (Row & { readonly date: string; readonly currency: string })[];
  readonly categories: readonly (Row & {
    readonly date: string;
    readonly currency: string;
    readonly category: string;
  })[];
}

/** What a topic holds, as the other client reads it: each event counts once, aborted ones do not. */
export interface ReadTopic {
  readonly sums: TopicSums;
  /** Records, and how many different events they are. */
  readonly read: number;
  readonly events: number;
}

export interface WriteOptions {
  readonly topic: string;
  /** Repeats the words in which the events are written. */
  readonly seed: string;
  /** Each for a part of the lines; gzip where left out. */
  readonly compression?: readonly ('none' | 'gzip' | 'snappy' | 'lz4' | 'zstd')[];
  readonly transaction?: 'commit' | 'abort';
}

export interface Written {
  readonly written: number;
  /** The partition that the other client chose for each key. */
  readonly partitions: Readonly<Record<string, number>>;
}

let reason: string | false | undefined;

/**
 * Why tests with this client are left out; false where it can be had. It is fetched where it is missing. As with a broker,
 * KAFKA_TESTS=required makes what is missing an error.
 */
export function withoutPython(): string | false {
  reason ??= whyWithout();
  return reason;
}

function whyWithout(): string | false {
  try {
    fetchPython(PYTHON_FOLDER, process.env, () => undefined);
    return false;
  } catch (error) {
    if (!(error instanceof KafkaFault) || process.env['KAFKA_TESTS'] === 'required') throw error;
    return `no Kafka client in Python here: ${error.what}`;
  }
}

/** Adds up a topic of purchases; an event id that is there with two contents fails. */
export async function sumsOfTopic(broker: TestBroker, topic: string): Promise<ReadTopic> {
  const said = await runPython('sums.py', ['--bootstrap', broker.bootstrap, '--topic', topic]);
  const { read, events, ...sums } = JSON.parse(said) as TopicSums & { read: number; events: number };
  return { sums: inOneOrder(sums), read, events };
}

/** Writes lines of NDJSON in other words. */
export async function writeInOtherWords(
  broker: TestBroker,
  lines: Uint8Array,
  { topic, seed, compression = ['gzip'], transaction }: WriteOptions,
): Promise<Written> {
  const words = ['--bootstrap', broker.bootstrap, '--topic', topic, '--seed', seed];
  const ending = transaction === undefined ? [] : ['--transaction', transaction];
  const said = await runPython('write.py', [...words, '--compression', ...compression, ...ending], lines);
  return JSON.parse(said) as Written;
}

/** The sums of `totals --json` in an order that equal totals do not leave open, and nothing beside them. */
export function inOneOrder({ runningTotals, days, categories }: TopicSums): TopicSums {
  const place = (row: TopicSums['categories'][number]) =>
    JSON.stringify([row.date, row.currency, row.category]);
  return {
    runningTotals,
    days,
    categories: categories.toSorted((a, b) => (place(a) < place(b) ? -1 : 1)),
  };
}

async function runPython(
  script: string,
  words: readonly string[],
  input: Uint8Array = new Uint8Array(),
): Promise<string> {
  const path = fileURLToPath(new URL(`python/${script}`, import.meta.url));
  // What it would write beside its scripts is no part of a checkout.
  const env = { PATH: process.env['PATH'] ?? '', PYTHONDONTWRITEBYTECODE: '1', PYTHONUTF8: '1' };
  const child = spawn(pythonOf(PYTHON_FOLDER), [path, ...words], { env, timeout: RUN_MS_MAX });
  const closed = once(child, 'close');
  // One that ends without reading its input says why.
  child.stdin.on('error', () => undefined).end(input);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  assert.equal(code, 0, `${script} ended with ${code ?? signal ?? 'nothing'}:\n${err.slice(-4000)}`);
  return out;
}
