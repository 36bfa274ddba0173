/**
 * A stream under a name. Its first bytes are remembered. A resumed stream is compared with what was delivered while those
 * lines are skipped. Unlike a file, a stream cannot be inspected before it is read.
 */
import type { Input } from './input.ts';
import { HEAD_BYTES_MAX, hashOf, otherInput } from './input-identity.ts';
import type { InputIdentity, StoredPosition } from './position-file.ts';

const LF = 0x0a;

export interface StreamWatch {
  readonly input: Input;
  /** The position of a run before whose lines are passed over; undefined if nothing was delivered. */
  readonly delivered: StoredPosition | undefined;
  readonly path: string;
  /** Called once, with what is known of the stream's first bytes, before the first block is given. */
  onBegin(identity: InputIdentity): Promise<void>;
}

export class WatchedStream implements Input {
  readonly name: string;
  readonly seekable = false;
  private readonly watch: StreamWatch;
  private readonly head = new Uint8Array(HEAD_BYTES_MAX);
  private headLength = 0;
  private isKnown = false;

  constructor(watch: StreamWatch) {
    this.watch = watch;
    this.name = watch.input.name;
  }

  /** What a later run compares, if this many bytes were delivered; undefined before this stream was compared. */
  identity(bytes: number): InputIdentity | undefined {
    return this.isKnown ? this.headUpTo(bytes) : undefined;
  }

  /** @throws USAGE before any block is given, if the stream is another one */
  async *blocks(): AsyncGenerator<Uint8Array> {
    const { input, delivered } = this.watch;
    const headBytes = delivered?.input.headBytes ?? 0;
    const passed =
      delivered === undefined ? undefined : new PassedLines(delivered, (why) => this.refuse(why));
    let held: Uint8Array[] | undefined = [];
    for await (const block of input.blocks(0)) {
      this.remember(block);
      passed?.pass(block);
      if (held === undefined) {
        yield block;
        continue;
      }
      // Nothing is given before the whole beginning is known to be the same.
      held.push(block);
      if (this.headLength < headBytes) continue;
      this.compareHead();
      this.isKnown = true;
      await this.watch.onBegin(this.headUpTo(HEAD_BYTES_MAX));
      yield* held;
      held = undefined;
    }
    passed?.end();
    if (held === undefined) return;
    if (headBytes > this.headLength) {
      this.refuse(`its first ${headBytes} bytes are known, and this stream ended after ${this.headLength}`);
    }
  }

  peek(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(0));
  }

  size(): Promise<number> {
    return Promise.resolve(0);
  }

  close(): Promise<void> {
    return this.watch.input.close();
  }

  private headUpTo(bytes: number): InputIdentity {
    const headBytes = Math.min(bytes, this.headLength);
    return { kind: 'stream', headBytes, headSha256: hashOf(this.head.subarray(0, headBytes)) };
  }

  private remember(block: Uint8Array): void {
    const room = block.subarray(0, HEAD_BYTES_MAX - this.headLength);
    this.head.set(room, this.headLength);
    this.headLength += room.length;
  }

  private compareHead(): void {
    const { delivered } = this.watch;
    if (delivered === undefined) return;
    const { headBytes, headSha256 } = delivered.input;
    if (headBytes > 0 && hashOf(this.head.subarray(0, headBytes)) !== headSha256) {
      this.refuse(`the first ${headBytes} bytes differ`);
    }
  }

  private refuse(why: string): never {
    const { input, delivered, path } = this.watch;
    throw otherInput(input, delivered as StoredPosition, path, why);
  }
}

/** The lines that were delivered have to take the bytes that they took then, so that none after them is passed over. */
class PassedLines {
  private readonly lines: number;
  private readonly bytes: number;
  private readonly refuse: (why: string) => never;
  private seenBytes = 0;
  private seenLines = 0;
  private last = LF;

  constructor({ lines, bytes }: StoredPosition, refuse: (why: string) => never) {
    this.lines = lines;
    this.bytes = bytes;
    this.refuse = refuse;
  }

  pass(block: Uint8Array): void {
    const left = this.bytes - this.seenBytes;
    const part = block.subarray(0, Math.max(0, left));
    for (let lf = part.indexOf(LF); lf !== -1; lf = part.indexOf(LF, lf + 1)) this.seenLines += 1;
    const wasPassed = this.seenBytes >= this.bytes;
    if (!wasPassed) this.last = block[part.length - 1] ?? this.last;
    // The last line may have been delivered without its LF, which may have come since.
    const after = this.seenBytes <= this.bytes ? block[this.bytes - this.seenBytes] : undefined;
    const isOpen = this.seenBytes <= this.bytes && after !== undefined && this.last !== LF;
    if (isOpen && after !== LF) this.refuseLines();
    this.seenBytes += block.length;
    if (this.seenLines > this.lines || (this.seenBytes >= this.bytes && !wasPassed)) this.check();
  }

  /** @throws USAGE if the stream has ended within what was delivered */
  end(): void {
    if (this.seenBytes >= this.bytes) return;
    this.refuse(`${this.bytes} bytes were delivered, and this stream has only ${this.seenBytes}`);
  }

  private check(): void {
    if (this.seenLines + (this.last === LF ? 0 : 1) !== this.lines) this.refuseLines();
  }

  private refuseLines(): never {
    return this.refuse(`its first ${this.lines} lines are not the ${this.bytes} bytes that were delivered`);
  }
}
