/** Memory that fetched bytes lie in, used again when nobody reads it any more: fresh memory costs more than reading it. */

/** Blocks that are kept for the next answers; more than that may be in use. */
const FREE_MAX = 4;

/** The bytes of one answer. Whoever never releases a share keeps the block from being used again, and no more. */
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
  private readonly free: Buffer[] = [];

  constructor(blockBytes: number) {
    this.blockBytes = blockBytes;
  }

  /** A block of at least so many bytes, with anything in it. */
  take(bytes: number): Block {
    if (bytes > this.blockBytes) return new Block(Buffer.allocUnsafeSlow(bytes));
    return new Block(this.free.pop() ?? Buffer.allocUnsafeSlow(this.blockBytes), this);
  }

  give(buffer: Buffer): void {
    if (this.free.length < FREE_MAX) this.free.push(buffer);
  }
}
