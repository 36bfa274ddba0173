/** A set of line numbers as bits, so that the lines of a large file fit in little memory. */
export interface LineRange {
  readonly first: number;
  readonly last: number;
}

const LINES_PER_BLOCK = 65_536;

export class LineSet {
  private readonly blocks = new Map<number, Uint8Array>();
  private count = 0;
  private highest = 0;

  get size(): number {
    return this.count;
  }

  /** 0 if the set is empty. */
  get max(): number {
    return this.highest;
  }

  has(line: number): boolean {
    const bits = this.blocks.get(Math.floor(line / LINES_PER_BLOCK));
    const bit = line % LINES_PER_BLOCK;
    return bits !== undefined && ((bits[bit >> 3] as number) & (1 << (bit & 7))) !== 0;
  }

  add(line: number): void {
    if (this.has(line)) return;
    const index = Math.floor(line / LINES_PER_BLOCK);
    let bits = this.blocks.get(index);
    if (bits === undefined) {
      bits = new Uint8Array(LINES_PER_BLOCK / 8);
      this.blocks.set(index, bits);
    }
    const bit = line % LINES_PER_BLOCK;
    bits[bit >> 3] = (bits[bit >> 3] as number) | (1 << (bit & 7));
    this.count += 1;
    this.highest = Math.max(this.highest, line);
  }

  /** The lines from `first` to `last` that are not in the set, as ranges in order. */
  missing(first: number, last: number): LineRange[] {
    const ranges: LineRange[] = [];
    for (let line = first; line <= last; line += 1) {
      if (this.has(line)) continue;
      const start = line;
      while (line < last && !this.has(line + 1)) line += 1;
      ranges.push({ first: start, last: line });
    }
    return ranges;
  }
}
