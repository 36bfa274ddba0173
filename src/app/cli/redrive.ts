/** `dead-letters redrive`: appends the original bytes to the source topic again, with a header that names the original. */
import { openLog } from '../compose.ts';
import type { DeadLetter } from '../../contracts/batch.ts';
import type { CheckpointView } from '../../contracts/checkpoint.ts';
import type { Header, RecordInput } from '../../contracts/log.ts';
import { redriveHeaders, withoutRedrive } from '../../engine/dead-letters/redrive.ts';
import { TallystreamError } from '../../errors.ts';
import { PRODUCER_HEADER } from '../../producer/lines/resume.ts';
import type { Context } from './context.ts';
import { damagedError, letterAt, positionOf, reasonOf } from './dead-letters.ts';
import { createOutput } from './output.ts';
import { openView } from './view.ts';

/** At most this many bytes, and this many records, are appended at once. */
const APPEND_BYTES_MAX = 4 * 1024 * 1024;
const APPEND_RECORDS_MAX = 1000;
const LETTERS_PER_TURN = 256;

interface Outcome {
  redriven: number;
  /** Already redriven. */
  alreadyRedriven: number;
  /** Late, and --accept-late was not given. */
  late: number;
  /** Only their position was kept. */
  withoutBytes: number;
  /** They do not match their checksums. */
  damaged: number;
}

export async function redrive(context: Context, positions: readonly string[]): Promise<number> {
  const asked = positions.map(positionOf);
  if (asked.length > 0 && context.isSet('reason')) {
    throw new TallystreamError('USAGE', {
      what: 'Positions and --reason cannot be used together.',
      why: 'Both select the dead letters to redrive.',
      hint: 'Give either positions or --reason.',
    });
  }
  let exitCode = 0;
  const release = context.signals.onSignal((signal) => (exitCode = context.signals.exitCodeFor(signal)));
  const view = await openView(context);
  try {
    const letters =
      asked.length > 0
        ? asked.map((position) => letterAt(view, position))
        : view.deadLetters(reasonOf(context));
    const outcome = await redriveAll(context, view, letters, () => exitCode !== 0);
    const write = await createOutput();
    await write(context.json ? `${JSON.stringify(jsonOf(context, outcome))}\n` : describe(context, outcome));
    if (outcome.damaged > 0 && exitCode === 0) throw damagedError(outcome.damaged);
    return exitCode;
  } finally {
    release();
    view.close();
  }
}

async function redriveAll(
  context: Context,
  view: CheckpointView,
  letters: Iterable<DeadLetter>,
  stopped: () => boolean,
): Promise<Outcome> {
  const { config, clock } = context;
  const dryRun = context.isSet('dry-run');
  const log = await openLog(config, clock, { readOnly: dryRun });
  try {
    const topicId = view.topicId();
    if (topicId === undefined || (await log.describeTopic(view.topic))?.id !== topicId) {
      throw new TallystreamError('TOPIC_RECREATED', {
        what: `Topic ${view.topic} is not the one that these dead letters came from.`,
        why: 'That topic was deleted or recreated.',
        hint: 'Write their bytes to a file with `dead-letters show --raw`, and produce them to the right topic.',
      });
    }
    // Redriven records may become dead letters of later batches. Those are not redriven in the same call.
    const lastBatchId = view.lastBatchId() ?? -1;
    const outcome: Outcome = { redriven: 0, alreadyRedriven: 0, late: 0, withoutBytes: 0, damaged: 0 };
    const append = createAppender(async (records) => {
      if (!dryRun) await log.append(view.topic, records);
    });
    let looked = 0;
    for (const letter of letters) {
      looked += 1;
      // Nothing else here yields to the event loop, and signals are only handled between turns.
      if (looked % LETTERS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      if (stopped() || (letter.damaged !== true && letter.batchId > lastBatchId)) break;
      const record = recordOf(context, view, topicId, letter, outcome);
      if (record !== undefined) await append.add(record);
    }
    await append.flush();
    return outcome;
  } finally {
    await log.close();
  }
}

/** The record that redrives this letter; undefined, and counted, if it must not be redriven. */
function recordOf(
  context: Context,
  view: CheckpointView,
  topicId: string,
  letter: DeadLetter,
  outcome: Outcome,
): RecordInput | undefined {
  const identity = { topicId, partition: letter.partition, offset: letter.offset };
  const acceptLate = context.isSet('accept-late') && letter.reason === 'LATE';
  if (letter.damaged === true) outcome.damaged += 1;
  else if (letter.value === null) outcome.withoutBytes += 1;
  else if (view.isRedriven(identity)) outcome.alreadyRedriven += 1;
  else if (letter.reason === 'LATE' && !acceptLate) outcome.late += 1;
  else {
    outcome.redriven += 1;
    const headers = [...ownHeaders(letter), ...redriveHeaders({ identity, acceptLate })];
    return { key: letter.key, value: letter.value, headers };
  }
  return undefined;
}

/** Without the headers of an earlier redrive or delivery: a resumed delivery would take this copy for its own. */
function ownHeaders(letter: DeadLetter): Header[] {
  return withoutRedrive(letter.headers).filter(({ name }) => name !== PRODUCER_HEADER);
}

/** Collects records and appends them in bounded groups. */
function createAppender(append: (records: readonly RecordInput[]) => Promise<void>): {
  add(record: RecordInput): Promise<void>;
  flush(): Promise<void>;
} {
  let records: RecordInput[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (records.length > 0) await append(records);
    records = [];
    bytes = 0;
  };
  return {
    async add(record) {
      records.push(record);
      bytes += record.value?.byteLength ?? 0;
      if (bytes >= APPEND_BYTES_MAX || records.length >= APPEND_RECORDS_MAX) await flush();
    },
    flush,
  };
}

/** `damaged` only if there are some. */
function jsonOf(context: Context, { damaged, ...counts }: Outcome): unknown {
  const dryRun = context.isSet('dry-run');
  return { schemaVersion: 1, dryRun, ...counts, ...(damaged > 0 ? { damaged } : {}) };
}

function describe(context: Context, outcome: Outcome): string {
  const { redriven, alreadyRedriven, late, withoutBytes, damaged } = outcome;
  const verb = context.isSet('dry-run') ? 'would be' : redriven === 1 ? 'was' : 'were';
  const lines = [
    `${redriven} dead ${redriven === 1 ? 'letter' : 'letters'} ${verb} appended to the topic again.`,
  ];
  if (alreadyRedriven > 0) lines.push(`Skipped, already redriven: ${alreadyRedriven}.`);
  if (late > 0) {
    lines.push(
      `Skipped, LATE and would be late again: ${late}. With --accept-late they are accepted,`,
      'but an event can then be counted twice if its id has been removed meanwhile.',
    );
  }
  if (withoutBytes > 0) lines.push(`Skipped, without bytes to append: ${withoutBytes}.`);
  if (damaged > 0) lines.push(`Skipped, damaged: ${damaged}.`);
  return `${lines.join('\n')}\n`;
}
