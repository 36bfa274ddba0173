/** The one error of a script: the whole script, where it failed, and why. */
import type { Accounting } from '../contracts/batch.ts';
import { textOf } from './value-text.ts';

/** What is wrong at a step, as lines below the script. */
export class StepFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StepFailure';
  }
}

/** A batch as the script has seen it. */
export interface SeenBatch {
  readonly batchId: number;
  readonly rows: readonly unknown[];
  readonly accounting: Accounting | undefined;
}

export interface FailedScript {
  /** The labels of all actions. */
  readonly labels: readonly string[];
  /** The index of the one that failed. */
  readonly step: number;
  readonly failure: unknown;
  readonly batches: readonly SeenBatch[];
}

/** How many batches the message shows. */
const BATCHES_SHOWN = 10;

/** Thrown by a script: the script with an arrow at the step that failed, what was expected and what was found. */
export class StreamTestError extends Error {
  /** The index of the action that failed. */
  readonly step: number;

  constructor({ labels, step, failure, batches }: FailedScript) {
    const script = labels.map((label, at) => `${at === step ? '=> ' : '   '}${label}`);
    const why = failure instanceof StepFailure ? failure.message : unexpected(failure);
    const parts = [`Step ${step + 1} of ${labels.length} failed.`, script.join('\n'), why, seenText(batches)];
    super(parts.join('\n\n'), { cause: failure instanceof StepFailure ? failure.cause : failure });
    this.name = 'StreamTestError';
    this.step = step;
  }
}

function unexpected(failure: unknown): string {
  const text = failure instanceof Error ? `${failure.name}: ${failure.message}` : String(failure);
  return `Expected no failure. Was:\n  ${text}`;
}

function seenText(batches: readonly SeenBatch[]): string {
  if (batches.length === 0) return 'Batches: none';
  const shown = batches.slice(-BATCHES_SHOWN).map(({ batchId, rows, accounting }) => {
    const verdicts = accounting === undefined ? 'not committed' : textOf(accounting);
    return `  ${batchId}: ${verdicts} ${textOf(rows.slice(0, BATCHES_SHOWN))}`;
  });
  return ['Batches:', ...shown].join('\n');
}
