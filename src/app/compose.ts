/**
 * The one place that puts implementations together. A format is imported when it is asked for and not before, so that a
 * command loads nothing that it does not use.
 */
import type { AcceptedRanges } from '../checkpoint/history/accept-raised.ts';
import type { Integrity } from '../checkpoint/open/integrity.ts';
import type { Lowering, LoweringOptions } from '../checkpoint/lower-watermark.ts';
import type { CheckpointOptions } from '../checkpoint/open/open.ts';
import type { CheckpointSummary } from '../checkpoint/summary.ts';
import type { Verification } from '../checkpoint/verify/verify.ts';
import { kafkaClientId, openEmbedded, openKafka, type LogAccess } from '../compose/log.ts';
import type { Config } from './config/keys.ts';
import type { AcceptedLoss, Checkpoint, CheckpointView } from '../contracts/checkpoint.ts';
import type { Clock } from '../contracts/clock.ts';
import type { Log } from '../contracts/log.ts';
import type { Logger } from '../contracts/logger.ts';
import type { KafkaProbe } from '../log/kafka/cluster/probe.ts';
import type { ReportPrinter, Sink } from '../contracts/sink.ts';
import { OutputClosedError } from '../sinks/console.ts';

export { OutputClosedError };
export { systemClock } from '../observe/system-clock.ts';
export { embeddedLogPath } from '../compose/log.ts';
export { silentLogger } from '../observe/silent-logger.ts';
export { startupFields } from '../observe/startup.ts';
export type { Finding } from '../checkpoint/verify/finding.ts';
export type { Integrity } from '../checkpoint/open/integrity.ts';
export type { Lowering } from '../checkpoint/lower-watermark.ts';
export type { CheckpointSummary } from '../checkpoint/summary.ts';
export type { Verification } from '../checkpoint/verify/verify.ts';
export type { ClusterAnswer, KafkaProbe, ServerAnswer } from '../log/kafka/cluster/probe.ts';

/** @throws LOG_UNAVAILABLE, LOG_CORRUPT, CONFIG_INVALID */
export async function openLog(config: Config, clock: Clock, access: LogAccess = {}): Promise<Log> {
  const { log, kafka, query, dataDir } = config;
  return log.type === 'kafka'
    ? openKafka(kafka, query.name, clock, access)
    : openEmbedded(dataDir, clock, access);
}

/** What `doctor` asks of a cluster. Nothing is asked yet. @param timeoutMs the bound of each question */
export async function createKafkaProbe(config: Config, clock: Clock, timeoutMs: number): Promise<KafkaProbe> {
  const probe = await import('../log/kafka/cluster/probe.ts');
  const { readSecurity } = await import('../log/kafka/cluster/security.ts');
  const { kafka } = config;
  return probe.createKafkaProbe({
    bootstrapServers: kafka.bootstrapServers,
    clock,
    clientId: kafkaClientId(kafka, config.query.name),
    readSecurity: () => readSecurity(kafka),
    timeoutMs,
  });
}

/** The sinks that the configuration names; the checkpoint has the results in any case. */
export async function createSinks(config: Config, log: Log): Promise<readonly Sink[]> {
  if (config.log.type !== 'kafka' || !config.kafka.outputTopics) return [];
  const { createTopicSink } = await import('../sinks/topics.ts');
  const { outputTopicsOf } = await import('./purchases/output-topics.ts');
  const { name: queryName } = config.query;
  const { topic, partitions } = config.log;
  return [createTopicSink({ log, ...outputTopicsOf({ queryName, topic, newTopic: { partitions } }) })];
}

/** @throws what `openCheckpoint` of src/checkpoint throws */
export async function openCheckpoint(
  config: Config,
  clock: Clock,
  options: Pick<CheckpointOptions, 'plan' | 'takeOver' | 'onQueryChanged'>,
): Promise<Checkpoint> {
  const checkpoint = await import('../checkpoint/open/open.ts');
  return checkpoint.openCheckpoint({
    location: config.query.checkpointLocation,
    logFormat: config.log.type,
    clock,
    ...options,
  });
}

/** @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_VERSION, CHECKPOINT_CORRUPT */
export async function openCheckpointView(config: Config): Promise<CheckpointView> {
  const checkpoint = await import('../checkpoint/view.ts');
  return checkpoint.openCheckpointView({ location: config.query.checkpointLocation });
}

/** @throws what `readSummary` of src/checkpoint throws */
export async function readCheckpointSummary(config: Config): Promise<CheckpointSummary> {
  const { readSummary } = await import('../checkpoint/summary.ts');
  return readSummary({ location: config.query.checkpointLocation });
}

/** @throws what `acceptLoss` of src/checkpoint throws */
export async function acceptLoss(
  config: Config,
  clock: Clock,
  ranges: AcceptedRanges,
): Promise<readonly AcceptedLoss[]> {
  const checkpoint = await import('../checkpoint/history/accept-loss.ts');
  return checkpoint.acceptLoss({ location: config.query.checkpointLocation, clock, ranges });
}

/** @throws what `verifyCheckpoint` of src/checkpoint throws */
export async function verifyCheckpoint(config: Config): Promise<Verification> {
  const checkpoint = await import('../checkpoint/verify/verify.ts');
  return checkpoint.verifyCheckpoint({ location: config.query.checkpointLocation });
}

/** @throws what `lowerWatermark` of src/checkpoint throws */
export async function lowerWatermark(
  config: Config,
  options: Omit<LoweringOptions, 'location'>,
): Promise<Lowering> {
  const checkpoint = await import('../checkpoint/lower-watermark.ts');
  return checkpoint.lowerWatermark({ location: config.query.checkpointLocation, ...options });
}

/** @throws what `quickCheck` of src/checkpoint throws */
export async function checkCheckpointFile(config: Config, bytesMax: number): Promise<Integrity> {
  const { quickCheck } = await import('../checkpoint/open/integrity.ts');
  return quickCheck({ location: config.query.checkpointLocation, bytesMax });
}

export async function createLogger(config: Config, isTerminal: boolean): Promise<Logger> {
  const logger = await import('../observe/logger.ts');
  return logger.createLogger({ ...config.logging, isTerminal });
}

/** Writes reports, or what else is rendered, to standard output. */
export async function createStdoutPrinter(
  render: (report: unknown) => string | Uint8Array,
): Promise<ReportPrinter> {
  const { createReportPrinter } = await import('../sinks/console.ts');
  return createReportPrinter({ stream: process.stdout, render });
}
