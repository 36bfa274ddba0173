/**
 * What of a plan must stay the same for a checkpoint to be continued. Each part has a name that a person
 * knows from the configuration, so that a refusal can say what differs.
 */
import { toDdl } from '../columns/schema/ddl.ts';
import type { QueryPlan } from './query-plan.ts';

/** Parts by name, each as canonical text. Which differences a checkpoint can be continued, `query-change.ts` says. */
export type Fingerprint = Readonly<Record<string, string>>;

/**
 * The parts that state depends on. Filters, validation rules, size limits, output columns and the idle timeout are left
 * out on purpose: they speak about events not yet read, and what was counted stays right under them.
 */
export function fingerprintOf(plan: QueryPlan): Fingerprint {
  return {
    'query.name': plan.name,
    'log.topic': plan.topic,
    'query.time_zone': plan.timeZone,
    'query.watermark_delay': plan.watermark.delayMs === null ? 'off' : `${plan.watermark.delayMs} ms`,
    'event time column': plan.watermark.column ?? 'none',
    'dedupe columns': plan.dedupe?.columns.join(', ') ?? 'none',
    schema: toDdl(plan.schema),
    'computed columns': JSON.stringify(plan.steps.filter(({ kind }) => kind === 'withColumn')),
    aggregates: JSON.stringify(plan.aggregates),
    'output mode': plan.outputMode,
  };
}

export interface FingerprintDifference {
  readonly part: string;
  readonly stored: string | undefined;
  readonly asked: string | undefined;
}

/** Every part that differs, in the order of the asked plan, then parts that only the stored one has. */
export function differences(stored: Fingerprint, asked: Fingerprint): readonly FingerprintDifference[] {
  const parts = new Set([...Object.keys(asked), ...Object.keys(stored)]);
  return [...parts]
    .filter((part) => stored[part] !== asked[part])
    .map((part) => ({ part, stored: stored[part], asked: asked[part] }));
}
