/** `demo`: producer and query together on the embedded log, in a separate folder. */
import { join } from 'node:path';
import { inDataDir } from '../config/paths.ts';
import type { Config } from '../config/keys.ts';
import type { Log } from '../../contracts/log.ts';
import { openLog } from '../compose.ts';
import { trigger } from '../../engine/trigger.ts';
import { deliver } from '../../producer/deliver.ts';
import type { DeliverySummary } from '../../producer/delivery.ts';
import { formatSummary } from '../../producer/progress.ts';
import type { StreamingQuery } from '../../stream/query.ts';
import { createCommandLogger, type Context } from './context.ts';
import { prepareTopic } from './topic/settings.ts';
import {
  deliveryBasics,
  deliverySignals,
  eventsMaxOf,
  generatedSource,
  paceOf,
  seedOf,
} from './producer-flags.ts';
import { startQuery } from './query.ts';

export async function demo(context: Context): Promise<number> {
  // This ignores the configured log: the demo needs no server, and does not touch a real topic.
  const embedded = { ...context.config, log: { ...context.config.log, type: 'embedded' as const } };
  const config = inDataDir(embedded, join(context.config.dataDir, 'demo'));
  const logger = await createCommandLogger(context, config.dataDir);
  const seed = seedOf(context);
  // Created first, so that a wrong flag ends the command before anything runs.
  const source = generatedSource(context, seed);
  const log = await openLog(config, context.clock);
  const ended = deliverySignals(context.signals, context.clock);
  try {
    await prepareTopic(config, log);
    const { query, checkpoint } = await startQuery({
      context,
      config,
      log,
      logger,
      trigger: trigger.processingTime(config.query.triggerMs),
      batchesMax: Infinity,
      takeOver: false,
    });
    try {
      logger.info({ operation: 'produce', seed, topic: config.log.topic }, 'producing purchase events');
      await together(
        query,
        deliver({
          ...deliverBasics(context, config, log, seed),
          source,
          stop: AbortSignal.any([ended.stop, whenEnded(query)]),
          abort: ended.abort,
        }),
        ended,
      );
      return ended.exitCode();
    } finally {
      checkpoint.close();
    }
  } finally {
    ended.release();
    await log.close();
  }
}

function deliverBasics(context: Context, config: Config, log: Log, seed: string) {
  return {
    log,
    topic: config.log.topic,
    clock: context.clock,
    pace: paceOf(config.producer.ratePerSecond, context.clock),
    ...deliveryBasics(config, seed),
    ...eventsMaxOf(context),
  };
}

/** Stops producing once the query has ended. */
function whenEnded(query: StreamingQuery): AbortSignal {
  const ended = new AbortController();
  const abort = (): void => ended.abort();
  query.awaitTermination().then(abort, abort);
  return ended.signal;
}

/** Waits for the producer, and then until the query has committed all delivered events. */
async function together(
  query: StreamingQuery,
  delivery: Promise<DeliverySummary>,
  ended: Pick<ReturnType<typeof deliverySignals>, 'stop' | 'abort' | 'exitCode'>,
): Promise<void> {
  const exit = (): void => process.exit(ended.exitCode());
  ended.abort.addEventListener('abort', exit);
  try {
    const summary = await delivery;
    // Also after a signal: all delivered events are counted, and the last report shows their total.
    if (query.isActive) await query.processAllAvailable();
    await query.stop();
    await query.awaitTermination();
    process.stderr.write(`${formatSummary(summary)}\n`);
  } finally {
    await query.stop();
    ended.abort.removeEventListener('abort', exit);
  }
}
