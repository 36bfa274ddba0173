/** `doctor`: checks what is there and what is missing, and says how to fix it. It leaves nothing behind. */
import type { Context } from './context.ts';
import { type Check, CHECK_TIMEOUT_MS, type CheckResult, runCheck } from './doctor/check.ts';
import { checkpointCheck, inspectCheckpoint } from './doctor/checkpoint.ts';
import { clockCheck, type PastTimes } from './doctor/clock.ts';
import { configurationCheck } from './doctor/configuration.ts';
import { diskFlushCheck } from './doctor/disk-flush.ts';
import { diskSpaceCheck } from './doctor/disk-space.ts';
import { eventsCheck } from './doctor/events.ts';
import { folderCheck, inspectFolder } from './doctor/folder.ts';
import { brokersCheck, KAFKA_CHECK_TIMEOUT_MS, kafkaFacts, protocolCheck } from './doctor/kafka.ts';
import { lagCheck } from './doctor/lag.ts';
import { inspectLog, logCheck } from './doctor/log.ts';
import { portCheck } from './doctor/port.ts';
import { inspectPrivacy, privacyCheck } from './doctor/privacy.ts';
import { checkAsText, checksAsJson, countsAsText, isOk } from './doctor/render.ts';
import { roundTripCheck } from './doctor/round-trip.ts';
import { nodeCheck, sqliteCheck } from './doctor/runtime.ts';
import { topicCheck } from './doctor/topic.ts';
import { createOutput } from './output.ts';
import { TallystreamError } from '../../errors.ts';

export async function doctor(context: Context): Promise<number> {
  const ended = new AbortController();
  try {
    return await diagnose(context, checksFor(context, ended.signal));
  } finally {
    // A check that timed out may still hang, and would keep the process from ending.
    ended.abort();
  }
}

async function diagnose(context: Context, checks: readonly Check[]): Promise<number> {
  const write = await createOutput();
  const style = {
    nameWidth: Math.max(...checks.map(({ name }) => name.length)),
    colour: process.stdout.isTTY && process.stdout.hasColors(),
  };
  const outcome = await runChecks(checks, context, async (result) => {
    if (!context.json) await write(checkAsText(result, style));
  });
  if (outcome.kind === 'interrupted') return outcome.exitCode;
  await write(context.json ? checksAsJson(outcome.results) : countsAsText(outcome.results));
  return isOk(outcome.results) ? 0 : 1;
}

export type Outcome =
  | { readonly kind: 'done'; readonly results: readonly CheckResult[] }
  | { readonly kind: 'interrupted'; readonly exitCode: number };

/** The first signal lets the current check clean up; the second ends the process immediately. */
export async function runChecks(
  checks: readonly Check[],
  { clock, signals }: Pick<Context, 'clock' | 'signals'>,
  report: (result: CheckResult) => Promise<void>,
): Promise<Outcome> {
  let exitCode: number | undefined;
  const release = signals.onSignal((signal, count) => {
    exitCode = signals.exitCodeFor(signal);
    if (count > 1) process.exit(exitCode);
  });
  const results: CheckResult[] = [];
  try {
    // One after the other, so that other checks do not distort the measured cost of a disk flush.
    for (const check of checks) {
      const result = await runCheck(check, clock);
      if (exitCode !== undefined) return { kind: 'interrupted', exitCode };
      results.push(result);
      await report(result);
    }
    return { kind: 'done', results };
  } finally {
    release();
  }
}

/** Every check, in the order of the lines. Facts that two checks need are read once. */
function checksFor(context: Context, ended: AbortSignal): readonly Check[] {
  const { config, clock, loaded, configFault } = context;
  const isKafka = config.log.type === 'kafka';
  const kafka = isKafka ? kafkaFacts(config, clock, ended) : undefined;
  const obstacle = async () => kafka?.obstacle();
  const folder = once(() => inspectFolder(config.dataDir));
  const log = once(async () => {
    const because = await obstacle();
    if (because !== undefined)
      throw new TallystreamError('LOG_UNAVAILABLE', { what: `Not read: ${because}.` });
    return inspectLog(config, clock);
  });
  const checkpoint = once(() => inspectCheckpoint(config));
  const readableLog = () => log().catch(() => undefined);
  const past = async (): Promise<PastTimes> => {
    const newest = await readableLog();
    const committed = await checkpoint().catch(() => undefined);
    return {
      newestRecordMs: newest?.kind === 'topic' ? newest.newestRecordMs : null,
      newestBatchMs: committed?.kind === 'present' ? committed.newestBatchMs : null,
    };
  };
  return [
    nodeCheck,
    sqliteCheck,
    configurationCheck(loaded, configFault, process.cwd()),
    folderCheck('data folder', folder),
    privacyCheck(() => inspectPrivacy(config)),
    diskSpaceCheck(folder),
    diskFlushCheck(folder, clock),
    portCheck(config.ui.port),
    ...(kafka === undefined
      ? [logCheck(config.log.topic, log)]
      : [brokersCheck(kafka), protocolCheck(kafka), topicCheck(config, kafka, log)]),
    checkpointCheck(config, checkpoint, readableLog),
    lagCheck({
      config,
      clock,
      readLog: log,
      readCheckpoint: checkpoint,
      obstacle,
      timeoutMs: isKafka ? KAFKA_CHECK_TIMEOUT_MS : CHECK_TIMEOUT_MS,
    }),
    ...(kafka === undefined ? [] : [roundTripCheck(config, clock, kafka)]),
    clockCheck(clock, config.query.futureToleranceMs, past),
    eventsCheck(config, clock),
  ];
}

function once<T>(act: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= act());
}
