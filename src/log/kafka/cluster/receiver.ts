/** Takes answers off a socket: each begins with its length, and a long one is read into the block that it stays in. */
import { Block, type BlockPool } from '../wire/buffer-pool.ts';

/** What a first read can bring. Shorter answers are copied out of it, and hold no block. */
const LANDING_BYTES = 64 * 1024;
const LENGTH_BYTES = 4;
/** Far above what is asked for at once, with the largest batch; four letters as a length are more. */
const ANSWER_BYTES_MAX = 300 * 1024 * 1024;

/** One answer at a time: what comes before the next question is not expected. */
export class Receiver {
  private readonly pool: BlockPool;
  private readonly landing = Buffer.allocUnsafeSlow(LANDING_BYTES);
  private target: Buffer = this.landing;
  private block: Block | undefined;
  private at = 0;
  /** With the length itself; undefined before that is there. */
  private expected: number | undefined;

  constructor(pool: BlockPool) {
    this.pool = pool;
  }

  /** Where the next bytes are to be written. */
  room(): Buffer {
    return this.target.subarray(this.at, this.expected ?? this.target.length);
  }

  /**
   * So many bytes were written to `room`. Gives the whole answer without its length as soon as it is there.
   * @throws RangeError if the received bytes are not a response
   */
  take(count: number): { readonly block: Block; readonly bytes: Buffer } | undefined {
    this.at += count;
    if (this.expected === undefined) {
      if (this.at < LENGTH_BYTES) return undefined;
      this.expect(LENGTH_BYTES + this.target.readInt32BE(0));
    }
    const expected = this.expected as unknown as number;
    if (this.at < expected) return undefined;
    if (this.at > expected) throw new RangeError('the response is longer than declared');
    const block = this.block ?? new Block(Buffer.from(this.landing.subarray(0, expected)));
    this.block = undefined;
    this.target = this.landing;
    this.at = 0;
    this.expected = undefined;
    return { block, bytes: block.buffer.subarray(LENGTH_BYTES, expected) };
  }

  /** The bytes that have come of an answer. */
  get started(): Buffer {
    return this.target.subarray(0, this.at);
  }

  private expect(bytes: number): void {
    if (bytes < LENGTH_BYTES || bytes > ANSWER_BYTES_MAX)
      throw new RangeError('the length of the response is invalid');
    this.expected = bytes;
    if (bytes <= LANDING_BYTES) return;
    this.block = this.pool.take(bytes);
    this.landing.copy(this.block.buffer, 0, 0, this.at);
    this.target = this.block.buffer;
  }
}
