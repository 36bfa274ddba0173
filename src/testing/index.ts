/** What a user's own tests need. */
export { createManualClock } from './manual-clock.ts';
