/** An end-to-end test: some generated purchases go through a log and the query, and the totals must be right. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/keys.ts';
import { inDataDir } from '../../config/paths.ts';
import type { Clock } from '../../../contracts/clock.ts';
import type { DeadLetter } from '../../../contracts/batch.ts';
import { openCheckpoint, openCheckpointView, openLog, silentLogger } from '../../compose.ts';
import { deadLetterPolicy } from '../../../engine/dead-letters/policy.ts';
import { trigger } from '../../../engine/trigger.ts';
import { createPurchaseGenerator, type GeneratedPurchase } from '../../purchases/generator/generator.ts';
import { buildReport } from '../../purchases/report/report.ts';
import { buildTotals } from '../../purchases/report/totals.ts';
import type { Totals } from '../../purchases/report/totals-types.ts';
import { StreamingQuery } from '../../../stream/query.ts';
import { planOf } from '../query.ts';
import { pass, type Check, type Verdict } from './check.ts';
import { systemReason } from './system-reason.ts';

const EVENTS = 100;
const EVENT_INTERVAL_MS = 10;
const CURRENCY = 'USD';

export interface Rehearsal {
  readonly events: number;
  /** The sum of the events' amounts, computed without any code of the query; decimal text. */
  readonly expectedTotal: string;
  readonly totals: Pick<Totals, 'accounting' | 'runningTotals'>;
  /** The first rejected event. */
  readonly firstLetter: Pick<DeadLetter, 'reason' | 'field' | 'expected' | 'actual'> | undefined;
}

export function eventsCheck(config: Config, clock: Clock): Check {
  return {
    name: 'event generation',
    run: async (signal) => {
      let folder;
      try {
        folder = await mkdtemp(join(tmpdir(), 'tallystream-doctor-'));
      } catch (error) {
        return noFolder(tmpdir(), systemReason(error));
      }
      try {
        return judgeRehearsal(await rehearse(inFolder(config, folder), clock, signal));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

export function judgeRehearsal({ events, expectedTotal, totals, firstLetter }: Rehearsal): Verdict {
  const { accounting, runningTotals } = totals;
  if (accounting.read !== events || accounting.accepted !== events) {
    const letter =
      firstLetter === undefined
        ? ''
        : ` The first is ${firstLetter.reason} (${firstLetter.field ?? 'the whole event'}): expected ${firstLetter.expected}, found ${firstLetter.actual}.`;
    return {
      status: 'fail',
      found: `Of ${events} generated events ${accounting.read} were read and ${accounting.accepted} accepted.${letter}`,
      hint: 'Compare the sections query and validation of the configuration with their defaults (`tallystream config show`). If they have their defaults, please report it.',
    };
  }
  const [first, ...others] = runningTotals;
  if (
    first === undefined ||
    others.length > 0 ||
    first.currency !== CURRENCY ||
    first.total !== expectedTotal ||
    first.transactions !== events
  ) {
    const counted = runningTotals.map(({ currency, total }) => `${currency} ${total}`).join(', ');
    return {
      status: 'fail',
      found: `The query computed ${counted === '' ? 'no total' : counted}, but the events add up to ${CURRENCY} ${expectedTotal}.`,
      hint: 'Do not trust any total of this installation. Install Tallystream again, and please report it.',
    };
  }
  return pass(
    `${events} events generated, read back and summed: ${CURRENCY} ${expectedTotal}, which is right`,
  );
}

/** The sum of `total_amount`, parsed from the text without the query's code: cents, as whole numbers. */
export function sumOf(purchases: readonly Pick<GeneratedPurchase, 'value'>[]): string {
  let cents = 0n;
  for (const { value } of purchases) {
    const [, whole, hundredths] =
      /"total_amount":(\d+)\.(\d\d)[,}]/.exec(Buffer.from(value).toString()) ?? [];
    if (whole === undefined || hundredths === undefined)
      throw new Error('An event has no amount with two decimals.');
    cents += BigInt(whole + hundredths);
  }
  return `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
}

/** Uses the user's validation rules, with log and checkpoint in a temporary folder. */
function inFolder(config: Config, folder: string): Config {
  return inDataDir({ ...config, log: { ...config.log, type: 'embedded' } }, folder);
}

async function rehearse(config: Config, clock: Clock, signal: AbortSignal): Promise<Rehearsal> {
  const purchases = generate(clock.nowMs());
  const log = await openLog(config, clock);
  try {
    await log.createTopic(config.log.topic, { partitions: config.log.partitions });
    await log.append(config.log.topic, purchases);
    const checkpoint = await openCheckpoint(config, clock, { plan: planOf(config), takeOver: false });
    try {
      const query = new StreamingQuery(rehearsalOptions(config, { log, checkpoint, clock }));
      signal.addEventListener('abort', () => void query.stop(), { once: true });
      await query.awaitTermination();
    } finally {
      checkpoint.close();
    }
  } finally {
    await log.close();
  }
  const view = await openCheckpointView(config);
  try {
    const [firstLetter] = view.deadLetters({});
    return { events: EVENTS, expectedTotal: sumOf(purchases), totals: buildTotals(view), firstLetter };
  } finally {
    view.close();
  }
}

/** Oldest first, and none ahead of the clock, so that no setting makes an event late or too early. */
function generate(nowMs: number): GeneratedPurchase[] {
  const generator = createPurchaseGenerator({ seed: 'doctor' });
  return Array.from({ length: EVENTS }, (_, index) =>
    generator.next(nowMs - (EVENTS - index) * EVENT_INTERVAL_MS),
  );
}

function rehearsalOptions(
  config: Config,
  parts: Pick<ConstructorParameters<typeof StreamingQuery>[0], 'log' | 'checkpoint' | 'clock'>,
): ConstructorParameters<typeof StreamingQuery>[0] {
  const { name, timeZone, deadLetterBytesMax } = config.query;
  return {
    ...parts,
    query: planOf(config),
    runId: 'doctor',
    newTopic: { partitions: config.log.partitions },
    logger: silentLogger,
    trigger: trigger.availableNow(),
    offsetsMax: EVENTS,
    batchesMax: Infinity,
    // Keeps only positions if the bytes do not fit, since a small limit is not a fault of the events.
    failOnDataLoss: true,
    deadLetters: deadLetterPolicy({ bytesMax: deadLetterBytesMax, whenFull: 'positions' }),
    sinks: [],
    buildReport: (result) => buildReport(result, { queryName: name, timeZone }),
    printer: { print: () => Promise.resolve() },
  };
}

function noFolder(folder: string, reason: string): Verdict {
  return {
    status: 'fail',
    found: `Not checked, because the folder for temporary files, ${folder}, is not writable: ${reason}.`,
    hint: 'Allow this user to write there, or set TMPDIR (TEMP on Windows) to a writable folder.',
  };
}
