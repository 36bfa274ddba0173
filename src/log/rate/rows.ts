/**
 * Which rows the rate source has, and when: arithmetic alone. The rows of a second, and the values in them, are those of
 * Structured Streaming's `RateStreamProvider.valueAtSecond`; Spark's option `rampUpTime` is in whole seconds for that reason.
 */

export interface RateShape {
  /** Epoch milliseconds of the first second's start. */
  readonly startMs: number;
  /** Rows of each second once the ramp is behind. */
  readonly rowsPerSecond: number;
  /** Seconds over which the speed grows evenly from 0; second s of them has s × ⌊rowsPerSecond / (ramp + 1)⌋ rows. */
  readonly rampUpSeconds: number;
  readonly partitions: number;
}

/**
 * Rows whose second has ended after `seconds` whole seconds, which is the value of the next row. With 10 rows a second
 * and a ramp of 4 seconds: 0, 2, 6, 12, 20, 30, 40 after 0, 1, 2, … seconds.
 */
export function rowsAfter(shape: RateShape, seconds: number): number {
  const { rowsPerSecond, rampUpSeconds } = shape;
  const inRamp = Math.min(seconds, rampUpSeconds);
  const gainPerSecond = Math.floor(rowsPerSecond / (rampUpSeconds + 1));
  // Of two neighbours one is even, so the halving is exact; and it comes before the product, which might not be.
  const ramp = ((inRamp * (inRamp + 1)) / 2) * gainPerSecond;
  return ramp + (seconds - inRamp) * rowsPerSecond;
}

/** The most seconds after which the number of rows is still exact. */
export function secondsMax(shape: RateShape): number {
  const { rampUpSeconds, rowsPerSecond } = shape;
  const left = Number.MAX_SAFE_INTEGER - rowsAfter(shape, rampUpSeconds);
  return rampUpSeconds + Math.floor(left / rowsPerSecond);
}

/** The second, from 0, in which a row of this value comes: the last that begins with no more than `value` rows. */
export function secondOf(shape: RateShape, value: number): number {
  const { rampUpSeconds, rowsPerSecond } = shape;
  const afterRamp = value - rowsAfter(shape, rampUpSeconds);
  if (afterRamp >= 0) return rampUpSeconds + Math.floor(afterRamp / rowsPerSecond);
  let low = 0;
  let high = rampUpSeconds - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (rowsAfter(shape, middle) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** How many of the first `rows` rows a partition has: values are dealt out in turn, so offset o holds o × partitions + p. */
export function rowsOfPartition(shape: RateShape, rows: number, partition: number): number {
  return Math.max(0, Math.ceil((rows - partition) / shape.partitions));
}

/** Epoch milliseconds of row `index` of `count` rows that are spread evenly over the second that begins at `secondMs`. */
export function timeInSecond(secondMs: number, index: number, count: number): number {
  return secondMs + Math.round((index * 1000) / count);
}
