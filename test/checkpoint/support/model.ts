/** What a checkpoint must hold, kept in plain arrays and maps, and random steps for both. */
import fc from 'fast-check';
import type {
  BatchPlan,
  DeadLetter,
  DedupeSegment,
  GroupRow,
  PartitionState,
} from '../../../src/contracts/batch.ts';
import type { Checkpoint } from '../../../src/contracts/checkpoint.ts';
import { openCheckpointView } from '../../../src/checkpoint/view.ts';
import { REASONS } from '../../../src/columns/decode/problem.ts';
import { commitOf, letterOf, planOf, stateOf } from './batches.ts';

const bytes = fc.uint8Array({ maxLength: 40 });
const text = fc.string({ unit: 'binary', maxLength: 8 });

const batch = fc.record({
  kind: fc.constant('batch' as const),
  plansFirst: fc.boolean(),
  /** Staged and thrown away before, as where a batch failed and is tried again. */
  staleLetters: fc.nat(3),
  letters: fc.array(
    fc.record({
      reason: fc.constantFrom(...REASONS.filter((reason) => reason !== 'DUPLICATE')),
      partition: fc.nat(2),
      field: fc.option(text),
      actual: text,
      key: fc.option(bytes),
      value: fc.option(bytes),
    }),
    { maxLength: 5 },
  ),
  duplicates: fc.array(fc.nat(2), { maxLength: 4 }),
  groups: fc.dictionary(text, fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat()), {
    maxKeys: 4,
  }),
  appended: bytes,
  seals: fc.array(bytes, { maxLength: 2 }),
  evicts: fc.boolean(),
  redriven: fc.array(fc.nat(3), { maxLength: 2 }),
  partitions: fc.uniqueArray(fc.nat(3), { maxLength: 3 }),
  watermark: fc.option(fc.maxSafeInteger()),
  accepted: fc.nat(2 ** 40),
  prints: fc.boolean(),
});

const step = fc.oneof(
  { weight: 4, arbitrary: batch },
  { weight: 1, arbitrary: fc.constant({ kind: 'plan' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'stage' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'reopen' as const }) },
);

type Value<T> = T extends fc.Arbitrary<infer V> ? V : never;
export type Step = Value<typeof step>;
type Batch = Value<typeof batch>;

export const steps = fc.array(step, { maxLength: 14 });

export class Model {
  private plan: BatchPlan | undefined;
  private committed = -1;
  private watermark: number | null = null;
  private read = { read: 0, accepted: 0, invalid: 0, duplicate: 0, late: 0 };
  private readonly partitions = new Map<number, PartitionState>();
  private readonly groups = new Map<string, GroupRow>();
  private readonly letters: DeadLetter[] = [];
  private readonly duplicates: { batchId: number; partition: number; offset: number }[] = [];
  private segments: DedupeSegment[] = [];
  private appended: Uint8Array[] = [];
  private nextSegment = 0;
  private readonly redriven = new Set<number>();
  private unprinted: number | undefined;
  private nextOffset = 0;
  private stagedBytes = 0;

  carryOut(step: Exclude<Step, { kind: 'reopen' }>, checkpoint: Checkpoint): void {
    const batchId = this.committed + 1;
    if (step.kind === 'plan') {
      checkpoint.writePlan(planOf(batchId));
      this.plan = planOf(batchId);
    } else if (step.kind === 'stage') {
      const letter = letterOf(batchId, { offset: this.takeOffset() });
      checkpoint.stageDeadLetter(letter);
      this.stagedBytes += 2;
    } else this.commit(step, batchId, checkpoint);
  }

  reopened(): void {
    this.stagedBytes = 0;
  }

  expected() {
    const keptBytes = this.letters.reduce(
      (sum, letter) => sum + (letter.key?.byteLength ?? 0) + (letter.value?.byteLength ?? 0),
      0,
    );
    return {
      plan: this.plan,
      commit:
        this.committed < 0
          ? undefined
          : {
              batchId: this.committed,
              watermarkMicros: this.watermark,
              partitions: [...this.partitions.values()].toSorted((a, b) => a.partition - b.partition),
              accounting: this.read,
            },
      categories: [...this.groups.values()].toSorted((a, b) =>
        Buffer.compare(Buffer.from(JSON.stringify(a.key)), Buffer.from(JSON.stringify(b.key))),
      ),
      segments: this.segments.map(({ segment, entries }) => [segment, [...entries]]),
      appended: this.appended.map((entries) => [...entries]),
      deadLetterBytes: keptBytes + this.stagedBytes,
      unprinted:
        this.unprinted === undefined
          ? undefined
          : { batchId: this.unprinted, report: { batch: this.unprinted } },
      letters: this.letters.map(plainLetter),
      duplicates: this.duplicates,
      redriven: [0, 1, 2, 3].filter((offset) => this.redriven.has(offset)),
    };
  }

  /** The same shape, read from the checkpoint by its runner and by a reader. */
  found(checkpoint: Checkpoint, location: string) {
    const { all: _, ...state } = stateOf(checkpoint);
    const view = openCheckpointView({ location });
    try {
      return {
        ...state,
        letters: Array.from(view.deadLetters({}), plainLetter),
        duplicates: Array.from(
          view.deadLetters({ reason: 'DUPLICATE' }),
          ({ batchId, partition, offset }) => ({
            batchId,
            partition,
            offset,
          }),
        ),
        redriven: [0, 1, 2, 3].filter((offset) => view.isRedriven({ topicId: 't', partition: 0, offset })),
      };
    } finally {
      view.close();
    }
  }

  private commit(step: Batch, batchId: number, checkpoint: Checkpoint): void {
    const plan =
      this.plan?.batchId === batchId ? this.plan : planOf(batchId, { watermarkMicros: step.watermark });
    if (step.plansFirst) checkpoint.writePlan(plan);
    for (let stale = 0; stale < step.staleLetters; stale += 1) {
      checkpoint.stageDeadLetter(letterOf(batchId, { offset: this.takeOffset() }));
    }
    checkpoint.discardStaged();
    this.stagedBytes = 0;
    const letters = this.stageLetters(step, batchId, checkpoint);
    const duplicates = step.duplicates.map((partition) => ({
      batchId,
      partition,
      offset: this.takeOffset(),
    }));
    for (const { partition, offset } of duplicates) checkpoint.stageDuplicate(partition, offset);
    const changes = this.changesOf(step, batchId, letters.length);
    checkpoint.commit(commitOf(batchId, { plan, ...changes }));

    this.plan = plan;
    this.committed = batchId;
    this.watermark = plan.watermarkMicros;
    const byPosition = (a: { partition: number; offset: number }, b: { partition: number; offset: number }) =>
      a.partition - b.partition || a.offset - b.offset;
    this.letters.push(...letters.toSorted(byPosition));
    this.duplicates.push(...duplicates.toSorted(byPosition));
    this.apply(changes);
    if (step.prints) checkpoint.markPrinted(batchId);
    this.unprinted = step.prints ? undefined : batchId;
  }

  private stageLetters(step: Batch, batchId: number, checkpoint: Checkpoint): DeadLetter[] {
    const letters = step.letters.map((letter) => letterOf(batchId, { ...letter, offset: this.takeOffset() }));
    for (const letter of letters) checkpoint.stageDeadLetter(letter);
    return letters;
  }

  private changesOf(step: Batch, batchId: number, letters: number) {
    const sealed = step.seals.map((entries, index) => ({ segment: this.nextSegment + index, entries }));
    const oldest = this.segments[0];
    return {
      partitions: step.partitions.map((partition) => ({
        partition,
        nextOffset: batchId * 3 + partition,
        maxEventMicros: step.watermark,
        activeAtMs: batchId,
        mark: {
          baseOffset: batchId * 3 - 1,
          nextOffset: batchId * 3 + partition,
          checksum: batchId,
          leaderEpoch: partition === 0 ? null : batchId,
          chain: partition === 0 ? `c${batchId}` : null,
        },
      })),
      accounting: {
        read: step.accepted + letters + step.duplicates.length,
        accepted: step.accepted,
        invalid: letters,
        duplicate: step.duplicates.length,
        late: 0,
      },
      aggregates: [
        {
          aggregate: 'categories',
          added: [],
          closed: [],
          removed: [],
          totals: Object.entries(step.groups).map(([category, [sum, count]]) => ({
            key: ['2025-06-26', category],
            measures: [String(sum), count],
          })),
        },
      ],
      dedupe: { appended: step.appended, sealed, evicted: step.evicts && oldest ? [oldest.segment] : [] },
      redriven: step.redriven.map((offset) => ({ topicId: 't', partition: 0, offset })),
    };
  }

  private apply({
    partitions,
    accounting,
    aggregates,
    dedupe,
    redriven,
  }: ReturnType<Model['changesOf']>): void {
    for (const state of partitions) this.partitions.set(state.partition, state);
    this.read = {
      read: this.read.read + accounting.read,
      accepted: this.read.accepted + accounting.accepted,
      invalid: this.read.invalid + accounting.invalid,
      duplicate: this.read.duplicate + accounting.duplicate,
      late: 0,
    };
    for (const group of aggregates[0]?.totals ?? []) this.groups.set(JSON.stringify(group.key), group);
    this.segments = [...this.segments, ...dedupe.sealed].filter(
      (each) => !dedupe.evicted.includes(each.segment),
    );
    this.nextSegment += dedupe.sealed.length;
    const before = dedupe.sealed.length > 0 ? [] : this.appended;
    this.appended = dedupe.appended.byteLength > 0 ? [...before, dedupe.appended] : before;
    for (const { offset } of redriven) this.redriven.add(offset);
  }

  private takeOffset(): number {
    return this.nextOffset++;
  }
}

function plainLetter(letter: DeadLetter) {
  return { ...letter, key: letter.key && [...letter.key], value: letter.value && [...letter.value] };
}
