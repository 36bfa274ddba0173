/** Whole division as decimals need it. */
import { toScaled } from '../../columns/values/decimal.ts';
import type { Scaled } from '../../columns/column-chunk.ts';

/** `dividend / divisor` rounded half away from zero, as Spark's HALF_UP; the divisor is positive. */
export function divideHalfUp(dividend: bigint, divisor: bigint): Scaled {
  const magnitude = dividend < 0n ? -dividend : dividend;
  const rounded = (magnitude * 2n + divisor) / (divisor * 2n);
  return toScaled(dividend < 0n ? -rounded : rounded);
}
