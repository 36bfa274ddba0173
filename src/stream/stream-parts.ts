/** What a stream has gathered so far: pieces of the plan, as frozen data. */
import type { Schema } from '../columns/schema/schema.ts';
import type { GivenOptions } from '../options/option.ts';
import type { SourceFormat } from '../options/source-options.ts';
import type { Aggregate } from '../plan/query-plan.ts';
import type { Rule } from '../plan/rule.ts';
import type { Step } from '../plan/step.ts';
import { scopeOf, type Scope } from './scope.ts';

/** Where the events come from: a format, and its options as they were given. */
export interface SourceSpec {
  readonly format: SourceFormat;
  readonly options: GivenOptions;
  /** The log itself, where the program brought one. */
  readonly log?: unknown;
}

export interface StreamParts {
  readonly source: SourceSpec;
  readonly input: Schema;
  readonly rules: readonly Rule[];
  readonly steps: readonly Step[];
  readonly scope: Scope;
  readonly watermark: { readonly column: string; readonly delayMs: number | null } | null;
  readonly dedupe: { readonly columns: readonly string[] } | null;
}

/** An aggregate of the plan, and the schema of what it emits. */
export interface AggregateParts {
  readonly aggregate: Omit<Aggregate, 'name'>;
  readonly schema: Schema;
  /** The stream with the columns that the aggregate's keys needed. */
  readonly parts: StreamParts;
}

export function emptyParts(source: SourceSpec, input: Schema): StreamParts {
  return Object.freeze({
    source,
    input,
    rules: [],
    steps: [],
    scope: scopeOf(input),
    watermark: null,
    dedupe: null,
  });
}
