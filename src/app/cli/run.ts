/** `run`: the query, until it is done or a signal ends it. */
import { openLog } from '../compose.ts';
import type { Logger } from '../../contracts/logger.ts';
import { trigger } from '../../engine/trigger.ts';
import { TallystreamError } from '../../errors.ts';
import type { StreamingQuery } from '../../stream/query.ts';
import { createCommandLogger, type Context } from './context.ts';
import { startQuery } from './query.ts';
import type { Signals } from './signals.ts';

export async function run(context: Context): Promise<number> {
  const { config, clock, signals } = context;
  const logger = await createCommandLogger(context, config.dataDir);
  const waits = logger.child({ component: 'log' });
  const giveUp = new AbortController();
  const log = await openLog(config, clock, {
    giveUp: giveUp.signal,
    onWaiting: (words) => waits.warn({ operation: 'wait', reason: words }, 'waiting for the log'),
    onWarning: (words) => waits.warn({ operation: 'read', reason: words }, 'records may have been lost'),
  });
  try {
    const batches = context.flag('max-batches');
    const { query, checkpoint } = await startQuery({
      context,
      config,
      log,
      logger,
      trigger: context.isSet('available-now')
        ? trigger.availableNow()
        : trigger.processingTime(config.query.triggerMs),
      batchesMax: batches === undefined ? Infinity : Number(batches),
      takeOver: context.isSet('take-over'),
    });
    try {
      return await untilEnd(query, { signals, giveUp, logger });
    } finally {
      checkpoint.close();
    }
  } finally {
    await log.close();
  }
}

/**
 * The first signal finishes the current batch if the log answers. A batch that waits for a broker is abandoned, and is read
 * again at the next start. The second signal ends the process immediately, which loses nothing either.
 */
async function untilEnd(
  query: StreamingQuery,
  how: { readonly signals: Signals; readonly giveUp: AbortController; readonly logger: Logger },
): Promise<number> {
  const { signals, giveUp, logger } = how;
  let exitCode = 0;
  const release = signals.onSignal((signal, count) => {
    exitCode = signals.exitCodeFor(signal);
    if (count > 1) process.exit(exitCode);
    giveUp.abort();
    void query.stop();
  });
  try {
    await query.awaitTermination();
  } catch (error) {
    const isAway = error instanceof TallystreamError && error.code === 'LOG_UNAVAILABLE';
    if (!isAway || !giveUp.signal.aborted) throw error;
    logger.warn(
      { operation: 'stop', reason: error.message },
      'the current batch was abandoned; it is read again at the next start',
    );
  } finally {
    release();
  }
  return exitCode;
}
