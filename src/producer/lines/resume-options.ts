/** What a named delivery is opened with. */
import type { Clock } from '../../contracts/clock.ts';
import type { Log, TopicDescription } from '../../contracts/log.ts';
import type { Input } from './input.ts';

export interface ResumeOptions {
  readonly name: string;
  /** `<data-dir>/producers`: created if it is missing. */
  readonly folder: string;
  readonly log: Log;
  readonly topic: TopicDescription;
  readonly input: Input;
  readonly clock: Clock;
  /** Sends acknowledged lines again that are no longer in the log; without it they are a DATA_LOSS. */
  readonly resendLost?: boolean;
}
