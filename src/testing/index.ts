/** What a user's own tests need: `tallystream/testing`. */
import '../runtime.ts';
export { createManualClock, type ManualClock } from './manual-clock.ts';
export { createTestSession, type TestSession } from './test-session.ts';
export { testStream } from './test-stream.ts';
export type { SelectingOptions, TestedStream, TestStreamOptions } from './tested-stream.ts';
export { StreamTestError } from './stream-test-error.ts';
export {
  addBytes,
  addData,
  advanceClock,
  assertOnQuery,
  checkAccounting,
  checkAnswer,
  checkNewAnswer,
  crash,
  expectFailure,
  processAllAvailable,
  restart,
  stop,
  type Action,
} from './actions.ts';
