/** When a query looks for its next batch; Structured Streaming's names. */

export type Trigger =
  /** Every `intervalMs`; 0 is as fast as possible. The first batch runs at once, whatever the interval. */
  | { readonly kind: 'processingTime'; readonly intervalMs: number }
  /** All that is in the log at the start, in as many batches as it takes, and then the end. */
  | { readonly kind: 'availableNow' };

export const trigger = {
  processingTime: (intervalMs: number): Trigger => ({ kind: 'processingTime', intervalMs }),
  availableNow: (): Trigger => ({ kind: 'availableNow' }),
};

/** Before the first batch there is no grid to wait for. */
export const AT_ONCE: Trigger = { kind: 'processingTime', intervalMs: 0 };
