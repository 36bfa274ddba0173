/** What became of a row. */
export const Outcome = {
  decoded: 0,
  /** Not the order of keys, or not the white space, that the function is for. */
  otherShape: 1,
  /** Something that only the exact path handles, or something wrong. */
  unusual: 2,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];
