/**
 * Memory that is used again when it is no longer read: for answers, and for batches that are sent. Fresh memory costs
 * more than reading it, and has V8 collect its garbage early.
 */

/** Blocks that are kept for the next answers. */
const FREE_MAX = 4;

/** The memory of one answer or batch. A share that is never released only keeps its block from being reused. */
export class Block {
  readonly buffer: Buffer;
  private readonly pool: BlockPool | undefined;
  private users = 1;

  constructor(buffer: Buffer, pool?: BlockPool) {
    this.buffer = buffer;
    this.pool = pool;
  }

  /** One more user. The function that it gives ends the use; a repeat does nothing. */
  share(): () => void {
    this.users += 1;
    let isUsed = true;
    return () => {
      if (isUsed) this.release();
      isUsed = false;
    };
  }

  /** The one who took the block uses it no more. */
  release(): void {
    this.users -= 1;
    if (this.users === 0) this.pool?.give(this.buffer);
  }
}

export class BlockPool {
  private readonly blockBytes: number;
  private readonly freeMax: number;
  private readonly free: Buffer[] = [];

  /** @param freeMax blocks that are kept for the next; more than that may be in use */
  constructor(blockBytes: number, freeMax = FREE_MAX) {
    this.blockBytes = blockBytes;
    this.freeMax = freeMax;
  }

  /** A block of at least this many bytes, with anything in it. */
  take(bytes: number): Block {
    if (bytes > this.blockBytes) return new Block(Buffer.allocUnsafeSlow(bytes));
    return new Block(this.free.pop() ?? Buffer.allocUnsafeSlow(this.blockBytes), this);
  }

  give(buffer: Buffer): void {
    if (this.free.length < this.freeMax) this.free.push(buffer);
  }
}
