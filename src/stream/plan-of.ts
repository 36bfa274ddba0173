/** A stream and its outputs as the plan of a query, and the combinations that have no meaning. */
import { leavesOf } from '../columns/schema/schema.ts';
import { TallystreamError } from '../errors.ts';
import type { Aggregate, GroupKey, OutputMode, QueryPlan } from '../plan/query-plan.ts';
import type { AggregateParts, StreamParts } from './stream-parts.ts';

/** What a query emits: aggregates by name, or the events themselves if there are none. */
export interface Outputs {
  readonly parts: StreamParts;
  readonly aggregates: Readonly<Record<string, AggregateParts>>;
}

export interface PlanSettings {
  readonly name: string;
  readonly topic: string;
  readonly outputMode: OutputMode;
  readonly timeZone: string;
  readonly idleTimeoutMs: number;
  readonly valueBytesMax: number;
  readonly assumeTimeZone: string | null;
}

/** @throws USAGE for a combination of output mode and aggregates that has no meaning */
export function planOf({ parts, aggregates }: Outputs, settings: PlanSettings): QueryPlan {
  const { name, topic, outputMode, timeZone, idleTimeoutMs, valueBytesMax, assumeTimeZone } = settings;
  const list: Aggregate[] = Object.entries(aggregates).map(([aggregateName, { aggregate }]) =>
    Object.freeze({ name: aggregateName, ...aggregate }),
  );
  checkMode(outputMode, list, parts);
  return Object.freeze({
    name,
    topic,
    schema: parts.input,
    valueBytesMax,
    assumeTimeZone,
    rules: parts.rules,
    steps: parts.steps,
    watermark: {
      column: parts.watermark?.column ?? null,
      delayMs: parts.watermark?.delayMs ?? null,
      idleTimeoutMs,
    },
    dedupe: parts.dedupe,
    timeZone,
    aggregates: list,
    rows: list.length > 0 ? null : rowsOf(parts),
    outputMode,
  });
}

function rowsOf({ scope }: StreamParts): { name: string; column: string }[] {
  return leavesOf(scope.schema).map(({ path }) => ({
    name: path,
    column: scope.columns.get(path) as string,
  }));
}

function checkMode(mode: OutputMode, aggregates: readonly Aggregate[], { watermark }: StreamParts): void {
  if (mode === 'complete' && aggregates.length === 0) {
    throw refused(
      'Output mode complete needs an aggregate.',
      'Without one, every batch would write all events ever read.',
      "Use outputMode('append').",
    );
  }
  for (const { name, keys } of aggregates) {
    const window = keys.find(isWindow);
    if (mode === 'update' && window?.kind === 'sessionWindow') {
      throw refused(
        `Output mode update has no meaning for the session windows of ${name}.`,
        'When two sessions merge, the output would have to take one of them back.',
        "Use outputMode('append'), which emits a session once it has ended, or outputMode('complete').",
      );
    }
    if (mode !== 'append') continue;
    if (window === undefined) {
      throw refused(
        `Output mode append needs a window, and ${name} has none.`,
        'A group without a window never ends, so nothing would ever be emitted.',
        "Group by window(…) or sessionWindow(…), or use outputMode('update').",
      );
    }
    if (watermark?.column !== window.column) {
      throw refused(
        `Output mode append needs a watermark on the time column of the windows of ${name}.`,
        'Windows are emitted when the watermark passes their end.',
        `Call withWatermark on that column${watermark === null ? '' : `; it is now on ${watermark.column}`}.`,
      );
    }
  }
}

function isWindow(key: GroupKey): key is Extract<GroupKey, { kind: 'window' | 'sessionWindow' }> {
  return key.kind === 'window' || key.kind === 'sessionWindow';
}

function refused(what: string, why: string, hint: string): TallystreamError {
  return new TallystreamError('USAGE', { what, why, hint });
}
