/** SipHash as its paper states it, in BigInt: w is the word's width in bits, `turns` the four rotations' amounts. */
export function reference(
  words: readonly bigint[],
  state: [bigint, bigint, bigint, bigint],
  rounds: readonly [number, number],
  form: {
    w: bigint;
    turns: readonly [bigint, bigint, bigint, bigint];
    half: bigint;
    marks: readonly bigint[];
  },
): bigint[][] {
  const { w, half } = form;
  const [a, b, c, d] = form.turns;
  const turn = (value: bigint, by: bigint): bigint =>
    BigInt.asUintN(Number(w), (value << by) | (value >> (w - by)));
  const sum = (x: bigint, y: bigint): bigint => BigInt.asUintN(Number(w), x + y);
  let [v0, v1, v2, v3] = state;
  const round = (): void => {
    v0 = sum(v0, v1);
    v1 = turn(v1, a) ^ v0;
    v0 = turn(v0, half);
    v2 = sum(v2, v3);
    v3 = turn(v3, b) ^ v2;
    v0 = sum(v0, v3);
    v3 = turn(v3, c) ^ v0;
    v2 = sum(v2, v1);
    v1 = turn(v1, d) ^ v2;
    v2 = turn(v2, half);
  };
  for (const word of words) {
    v3 ^= word;
    for (let turnNumber = 0; turnNumber < rounds[0]; turnNumber++) round();
    v0 ^= word;
  }
  return form.marks.map((mark, index) => {
    if (index === 0) v2 ^= mark;
    else v1 ^= mark;
    for (let turnNumber = 0; turnNumber < rounds[1]; turnNumber++) round();
    return [v0, v1, v2, v3];
  });
}

const WHOLE = (1n << 64n) - 1n;

/** SipHash-2-4 with 64 bits of output, of whole words of 64 bits without the length behind them. */
export function reference64(key: Uint8Array, words: readonly bigint[]): bigint {
  const k = Buffer.from(key);
  const [k0, k1] = [k.readBigUInt64LE(0), k.readBigUInt64LE(8)];
  const [v] = reference(
    words,
    [k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn, k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n],
    [2, 4],
    { w: 64n, turns: [13n, 16n, 21n, 17n], half: 32n, marks: [0xffn] },
  ) as [bigint[]];
  return v.reduce((x, y) => x ^ y) & WHOLE;
}

/** The input as words of `size` bytes, the last one with the length in its last byte. */
export function padded(input: Uint8Array, size: number): bigint[] {
  const bytes = Buffer.alloc(Math.floor(input.length / size) * size + size);
  bytes.set(input);
  bytes[bytes.length - 1] = input.length & 0xff;
  const words: bigint[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    words.push(size === 8 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUInt32LE(at)));
  }
  return words;
}

/** SipHash-2-4 with 128 bits of output, in hexadecimal. */
export function reference128(key: Uint8Array, input: Uint8Array): string {
  const k = Buffer.from(key);
  const [k0, k1] = [k.readBigUInt64LE(0), k.readBigUInt64LE(8)];
  const outs = reference(
    padded(input, 8),
    [
      k0 ^ 0x736f6d6570736575n,
      k1 ^ 0x646f72616e646f6dn ^ 0xeen,
      k0 ^ 0x6c7967656e657261n,
      k1 ^ 0x7465646279746573n,
    ],
    [2, 4],
    { w: 64n, turns: [13n, 16n, 21n, 17n], half: 32n, marks: [0xeen, 0xddn] },
  );
  const out = Buffer.alloc(16);
  outs.forEach((v, index) =>
    out.writeBigUInt64LE(
      v.reduce((x, y) => x ^ y),
      index * 8,
    ),
  );
  return out.toString('hex');
}
