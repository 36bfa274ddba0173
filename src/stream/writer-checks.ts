/** What a writer is told by programs that no compiler has seen, or that take it from a configuration. */
import { trigger as triggers, type Trigger } from '../engine/trigger.ts';
import { TallystreamError } from '../errors.ts';
import type { OutputMode } from '../plan/query-plan.ts';
import { durationMs } from '../plan/window.ts';

/** When a query looks for new events. */
type TriggerSpec =
  { readonly processingTime: string } | { readonly availableNow: true } | { readonly once: true };

const OUTPUT_MODES: readonly OutputMode[] = ['append', 'update', 'complete'];
const TRIGGERS = ["{ processingTime: '10 seconds' }", '{ availableNow: true }', '{ once: true }'];
/** With the ending of a file, file systems have room for 255 bytes. */
const NAME_BYTES_MAX = 200;

/** A query's name is a folder of its checkpoint. @throws USAGE */
export function checkedQueryName(name: string): string {
  const given: unknown = name;
  const isName =
    typeof given === 'string' &&
    given.isWellFormed() &&
    /^[^\p{Cc}/\\:*?"<>|]+$/u.test(given) &&
    !/^[.\s]|[.\s]$/.test(given) &&
    Buffer.byteLength(given) <= NAME_BYTES_MAX;
  if (isName) return name;
  throw new TallystreamError('USAGE', {
    what: `queryName: ${shown(given)} cannot name a query.`,
    why: 'The checkpoint is a folder of that name in the data folder.',
    hint:
      `Use up to ${NAME_BYTES_MAX} bytes without / \\ : * ? " < > | and control characters, and no dot or blank at either end. ` +
      "option('checkpointLocation', …) puts the checkpoint elsewhere.",
  });
}

/** @throws USAGE */
export function checkedOutputMode(mode: OutputMode): OutputMode {
  if (OUTPUT_MODES.includes(mode)) return mode;
  throw new TallystreamError('USAGE', {
    what: `outputMode: there is no mode ${shown(mode)}.`,
    hint: `The modes are ${OUTPUT_MODES.join(', ')}.`,
  });
}

/** @throws USAGE */
export function triggerOf(spec: TriggerSpec): { readonly trigger: Trigger; readonly batchesMax: number } {
  const given: unknown = spec;
  const entries = typeof given === 'object' && given !== null ? Object.entries(given) : [];
  const [name, value]: readonly [string?, unknown?] = entries.length === 1 ? (entries[0] ?? []) : [];
  if (name === 'processingTime' && typeof value === 'string') {
    return { trigger: triggers.processingTime(durationMs(value)), batchesMax: Infinity };
  }
  if (name === 'availableNow' && value === true) {
    return { trigger: triggers.availableNow(), batchesMax: Infinity };
  }
  if (name === 'once' && value === true) return { trigger: triggers.availableNow(), batchesMax: 1 };
  throw new TallystreamError('USAGE', {
    what: `trigger: there is no trigger ${shown(given)}.`,
    ...(name === 'continuous' && { why: 'A query works in micro-batches.' }),
    hint: `The triggers are ${TRIGGERS.join(', ')}.`,
  });
}

const SHOWN_CHARACTERS_MAX = 100;

function shown(value: unknown): string {
  const isJson = ['string', 'object', 'number', 'boolean'].includes(typeof value);
  const text = isJson ? JSON.stringify(value) : typeof value;
  return text.slice(0, SHOWN_CHARACTERS_MAX);
}
