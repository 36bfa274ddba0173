/** Failures of queries that nothing in the program asks about: they must not pass in silence, with exit code 0. */
import type { Logger } from '../contracts/logger.ts';
import type { UnheardFailure } from '../stream/query-manager.ts';

const EXIT_FAILED = 1;

const unheard = new Set<UnheardFailure>();

/** Logs the failure, and has the process end with a failure if nothing asks about it until then. */
export function reportUnheard(logger: Logger, failure: UnheardFailure): void {
  const { name, exception } = failure;
  logger
    .child({ component: 'query' })
    .error(
      { operation: 'query-failed', name, error: exception },
      'A query has failed, and the program has not checked its result. Await query.awaitTermination(), read ' +
        'query.exception, or add a listener with onQueryTerminated.',
    );
  if (unheard.size === 0) process.once('exit', endWithFailure);
  unheard.add(failure);
}

function endWithFailure(): void {
  // A program that has set an exit code knows best.
  if (process.exitCode !== undefined) return;
  if ([...unheard].some(({ isHeard }) => !isHeard())) process.exitCode = EXIT_FAILED;
}
