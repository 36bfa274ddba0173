/** What the package exports, and nothing else. The public API of queries as data comes with a later version. */
export { TallystreamError, InvariantError, type Actor, type ErrorCode } from './errors.ts';
export { parseDecimal, formatScaled, addExact } from './columns/decimal.ts';
export {
  required,
  optional,
  schema,
  types,
  type Field,
  type FieldType,
  type Schema,
} from './columns/schema.ts';
export { toDdl } from './columns/ddl.ts';
export type { QueryPlan, Aggregate, GroupKey, Measure } from './plan/query-plan.ts';
export type { Rule } from './plan/rule.ts';
export type { Log, RecordInput, RecordChunk, TopicDescription } from './contracts/log.ts';
export type { Checkpoint, CheckpointView } from './contracts/checkpoint.ts';
export type { BatchResult, EventRow } from './contracts/batch-result.ts';
export type { Accounting, BatchProgress } from './contracts/batch.ts';
export type { Sink, BatchIdentity } from './contracts/sink.ts';
export { StreamingQuery } from './stream/query.ts';
export { trigger, type Trigger } from './engine/trigger.ts';
