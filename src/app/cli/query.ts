/** The purchase query of `run` and `demo`. */
import { randomUUID } from 'node:crypto';
import type { Config } from '../config/keys.ts';
import type { Checkpoint } from '../../contracts/checkpoint.ts';
import type { Log } from '../../contracts/log.ts';
import type { Logger } from '../../contracts/logger.ts';
import { createSinks, createStdoutPrinter, openCheckpoint } from '../compose.ts';
import { deadLetterPolicy } from '../../engine/dead-letters/policy.ts';
import { stateMemoryOf } from '../../engine/state-memory.ts';
import type { Trigger } from '../../engine/trigger.ts';
import { availableWorkers } from '../../engine/decode-workers/workers.ts';
import { purchaseQuery } from '../purchases/query.ts';
import { renderBanner, renderReport, reportJsonLine } from '../purchases/report/render.ts';
import { buildReport, parseReport } from '../purchases/report/report.ts';
import type { QueryPlan } from '../../plan/query-plan.ts';
import { StreamingQuery } from '../../stream/query.ts';
import type { Context } from './context.ts';
import { newTopicOf } from './topic/settings.ts';
import { createOutput } from './output.ts';

export interface QueryStart {
  readonly context: Context;
  readonly config: Config;
  readonly log: Log;
  readonly logger: Logger;
  readonly trigger: Trigger;
  readonly batchesMax: number;
  readonly takeOver: boolean;
}

export interface StartedQuery {
  readonly query: StreamingQuery;
  readonly checkpoint: Checkpoint;
}

export function planOf(config: Config): QueryPlan {
  return purchaseQuery({ ...config.query, ...config.validation, topic: config.log.topic });
}

/** Opens the checkpoint, prints the banner, and starts. The caller closes the checkpoint when the query has ended. */
export async function startQuery(start: QueryStart): Promise<StartedQuery> {
  const { context, config, log, trigger, logger } = start;
  const { name, timeZone } = config.query;
  const plan = planOf(config);
  const checkpoint = await openCheckpoint(config, context.clock, {
    plan,
    takeOver: start.takeOver,
    onQueryChanged: (note) =>
      logger.warn({ operation: 'change-query', ...note }, 'continuing with a changed query'),
  });
  const { epoch } = checkpoint;
  const runId = randomUUID();
  try {
    if (!context.json) await printBanner(config, trigger);
    const query = new StreamingQuery({
      query: plan,
      runId,
      log,
      newTopic: newTopicOf(config),
      checkpoint,
      clock: context.clock,
      logger: logger.child({ component: 'query' }),
      trigger,
      offsetsMax: config.query.maxOffsetsPerTrigger,
      workers: availableWorkers(config.query.workers, logger),
      stateMemory: stateMemoryOf(config.query.stateBytesMax),
      batchesMax: start.batchesMax,
      deadLetters: deadLetterPolicy({
        bytesMax: config.query.deadLetterBytesMax,
        whenFull: config.query.deadLettersWhenFull,
      }),
      failOnDataLoss: config.query.failOnDataLoss,
      clockSkewMaxMs: config.query.clockSkewMaxMs,
      sinks: await createSinks(config, log),
      ...(config.kafka.publishOffsets ? { offsetsGroup: name } : {}),
      buildReport: (result) => buildReport(result, { queryName: name, timeZone, epoch, runId }),
      printer: await createStdoutPrinter((stored) => {
        const report = parseReport(stored);
        return context.json ? reportJsonLine(report) : renderReport(report);
      }),
    });
    return { query, checkpoint };
  } catch (error) {
    checkpoint.close();
    throw error;
  }
}

async function printBanner(config: Config, trigger: Trigger): Promise<void> {
  const write = await createOutput();
  await write(
    renderBanner({
      query: config.query.name,
      log: config.log.type,
      topic: config.log.topic,
      trigger: describeTrigger(trigger),
      checkpoint: config.query.checkpointLocation,
      timeZone: config.query.timeZone,
    }),
  );
}

function describeTrigger(trigger: Trigger): string {
  if (trigger.kind === 'availableNow') return 'everything available now';
  return trigger.intervalMs === 0 ? 'as fast as possible' : `every ${trigger.intervalMs / 1000} seconds`;
}
