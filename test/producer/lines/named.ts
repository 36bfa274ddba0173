/** Named deliveries to an embedded log whose file a test puts back, and what the log holds after that. */
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Log } from '../../../src/contracts/log.ts';
import { openEmbeddedLog } from '../../../src/log/embedded/log.ts';
import { deliverLines, type LineDeliveryOptions, type Resumed } from '../../../src/producer/lines/deliver.ts';
import { type Input, openFileInput, openStreamInput } from '../../../src/producer/lines/input.ts';
import { createRandom } from '../../../src/producer/random.ts';
import { PRODUCER_HEADER } from '../../../src/producer/lines/resume.ts';
import { UNPACED } from '../../../src/producer/token-bucket.ts';
import { createManualClock } from '../../../src/testing/manual-clock.ts';
import { drive } from '../drive.ts';

export const TOPIC = 'purchases';

export type Options = Partial<Omit<LineDeliveryOptions, 'input' | 'resume'>> & {
  readonly name?: string;
  readonly resendLost?: boolean;
  /** Stands before the log. */
  readonly wrap?: (log: Log) => Log;
};

export class NamedPlace {
  readonly root = mkdtempSync(join(tmpdir(), 'tallystream-named-'));
  readonly folder = join(this.root, 'producers');
  readonly clock = createManualClock(Date.UTC(2026, 0, 1));
  readonly position = join(this.folder, 'nightly.json');

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Writes lines `first` to `last`, no two alike, and gives the path. */
  write(name: string, first: number, last: number): string {
    const path = join(this.root, name);
    const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    writeFileSync(path, numbers.map((line) => `${lineText(line)}\n`).join(''));
    return path;
  }

  async withLog<T>(act: (log: Log) => Promise<T>): Promise<T> {
    const log = await openEmbeddedLog({ path: join(this.root, 'log.db'), clock: this.clock });
    try {
      await log.createTopic(TOPIC, { partitions: 3 });
      return await act(log);
    } finally {
      await log.close();
    }
  }

  async deliver(
    input: Input | string,
    { name = 'nightly', resendLost = false, wrap = (log) => log, ...more }: Options = {},
  ): Promise<{ acknowledged: number; resumed: Resumed | undefined }> {
    const never = new AbortController().signal;
    let resumed: Resumed | undefined;
    return this.withLog(async (log) => {
      const work = deliverLines({
        log: wrap(log),
        topic: TOPIC,
        input: typeof input === 'string' ? await openFileInput(input) : input,
        fields: { keyField: 'customer_id', timestampField: 'timestamp' },
        pace: UNPACED,
        clock: this.clock,
        random: createRandom(1),
        stop: never,
        abort: never,
        resume: { name, folder: this.folder, resendLost },
        onResumed: (found) => (resumed = found),
        ...more,
      });
      const { acknowledged } = await drive(this.clock, work);
      return { acknowledged, resumed };
    });
  }

  /** The log's file as it is. Nobody has it open, so all of it is in the file. */
  backUp(): void {
    copyFileSync(join(this.root, 'log.db'), join(this.root, 'copy.db'));
  }

  /** Puts the copy back, and accepts it as the log: without its note of what it acknowledged, the log itself does not notice. */

  restore(): void {
    for (const suffix of ['', '-wal', '-shm', '-ack']) {
      const path = join(this.root, `log.db${suffix}`);
      if (existsSync(path)) rmSync(path);
    }
    copyFileSync(join(this.root, 'copy.db'), join(this.root, 'log.db'));
  }

  /** The lines of this producer in the log, sorted, each as often as it is there. */
  linesInLog(name = 'nightly'): Promise<number[]> {
    return this.withLog(async (log) => {
      const lines: number[] = [];
      for (const { partition, earliest, latest } of await log.offsets(TOPIC)) {
        for await (const chunk of log.read({ topic: TOPIC, partition, start: earliest, end: latest })) {
          for (const headers of chunk.headers.values()) {
            const [owner, line] = headerText(headers).split(':');
            if (owner === name) lines.push(Number(line));
          }
        }
      }
      return lines.toSorted((left, right) => left - right);
    });
  }
}

/** A log whose appends go through `append`. */
export function withAppend(inner: Log, append: Log['append']): Log {
  return new Proxy(inner, {
    get(target, property) {
      const value: unknown = property === 'append' ? append : Reflect.get(target, property);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A log that keeps the records of its `fatalCall`-th append, and dies then. */
export function dying(inner: Log, fatalCall: number): Log {
  let call = 0;
  return withAppend(inner, async (topic, records) => {
    const ranges = await inner.append(topic, records);
    call += 1;
    if (call === fatalCall) throw new Error('killed');
    return ranges;
  });
}

export function lineText(line: number): string {
  return `{"customer_id":"c${line % 11}","n":${line}}`;
}

export function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

export function pipe(...texts: readonly string[]): Input {
  return openStreamInput(Readable.from(texts.map((text) => Buffer.from(text))));
}

function headerText(headers: readonly { readonly name: string; readonly value: Uint8Array }[]): string {
  return Buffer.from(headers.find(({ name }) => name === PRODUCER_HEADER)?.value ?? []).toString();
}
