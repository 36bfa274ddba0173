/**
 * What the package exports, and nothing else. The headings are those of the pages that `npm run docs` makes; classes that
 * only a session makes are exported as types.
 */
import './runtime.ts';

// Sessions and streams: where a query begins, and what it asks for. Nothing runs before `start`.
export { createSession, type SessionOptions } from './compose/session.ts';
export type { Session, StreamReader, MemorySource } from './stream/session.ts';
export type { SourceFormat, SourceOptions } from './options/source-options.ts';
export type { MemoryStream } from './stream/memory-stream.ts';
export type { DataStream } from './stream/data-stream.ts';
export type { GroupedStream } from './stream/grouped-stream.ts';
export type {
  AggregatedStream,
  AggregatedStreams,
  AnyAggregated,
  SchemasOf,
} from './stream/aggregated-stream.ts';
export type { Rule, RuleFor } from './plan/rule.ts';
export type { Aggregated, GroupingKey, Selected, TypeOfKind, WithColumn } from './stream/stream-types.ts';

// Writing and running: where the results go, and the queries that run.
export type { BatchInfo, StreamWriter, TablesWriter } from './stream/stream-writer.ts';
export type { QueryOptions } from './options/query-options.ts';
export type { SinkFormat, SinkOptions } from './options/sink-options.ts';
export type { OutputMode } from './plan/query-plan.ts';
export type { StreamingQuery, StreamingQueryStatus } from './stream/query.ts';
export type { StreamingQueryListener, StreamingQueryManager } from './stream/query-manager.ts';
export type {
  Accounting,
  BatchProgress,
  PartitionLag,
  SourceOffsets,
  SourceProgress,
  StateOperatorProgress,
} from './contracts/batch.ts';
export { onceInSqlite, type SqliteConnection } from './sinks/once-sqlite.ts';
export { onceInPostgres, type PostgresClient } from './sinks/once-postgres.ts';
export type { OnceOptions } from './sinks/once.ts';
export type { BatchIdentity, ForeachBatchInfo, ForeachWriter, RunnerIdentity } from './contracts/sink.ts';

// Frames: the rows that a handler gets, with the operations of a DataFrame.
export { Frame, type Condition, type GroupedFrame, type TextOutput } from './stream/frame/frame.ts';
export { asc, desc, type SortKey, type SortOptions, type SortPath } from './stream/frame/order.ts';
export type { SelectedBy, Selection } from './stream/frame/types.ts';
export type { JsonOptions } from './stream/frame/json.ts';
export type { ArrowTable } from './stream/frame/arrow-module.ts';

// Schemas: the fields of an event, and the types of its rows.
export {
  optional,
  required,
  schema,
  types,
  type ArrayType,
  type BooleanType,
  type DateType,
  type DecimalType,
  type DoubleType,
  type Field,
  type FieldType,
  type IntType,
  type LeafType,
  type LongType,
  type PrimitiveType,
  type Schema,
  type StringType,
  type StructType,
  type TimestampType,
} from './columns/schema/schema.ts';
export type { Row, RowOf, Scalar, ValueOf } from './columns/rows.ts';
export type { LeafPathOf, PathOf, PathOfKind, RequiredAtPath, TypeOfPath } from './columns/schema/paths.ts';
export { toDdl } from './columns/schema/ddl.ts';
export { describeSchema, schemaMarkdown, type FieldDescription } from './columns/schema/describe.ts';

// Expressions: columns, values, and what is computed from them.
export {
  arrayContains,
  coalesce,
  col,
  concat,
  day,
  decimal,
  hour,
  length,
  lit,
  lower,
  month,
  not,
  size,
  substring,
  toDate,
  trim,
  upper,
  when,
  year,
} from './plan/expression/functions.ts';
export { explainExpr } from './plan/expression/text.ts';
export { window, type DurationText } from './plan/window.ts';
export { sessionWindow, type SessionWindowKey } from './plan/session-window.ts';
export type { Columns } from './plan/expression/columns-of.ts';
export type {
  AnyExpr,
  AnyOperand,
  ArrayExpr,
  BooleanExpr,
  CastTarget,
  ComparableExpr,
  DateExpr,
  DecimalText,
  Expr,
  ExprOf,
  Kind,
  NamedExpr,
  NumberExpr,
  NumberOperand,
  NumericKind,
  TextExpr,
  TimestampExpr,
  ValueExpr,
  WhenExpr,
} from './plan/expression/expr.ts';

// Measures: what `agg` computes of the rows of a group.
export {
  approxCountDistinct,
  avg,
  count,
  first,
  last,
  max,
  min,
  sum,
  type CheckedMeasures,
  type MeasureKind,
  type MeasureSpec,
  type MeasureSpecs,
} from './plan/measure.ts';

// Errors, time and log lines: what a program catches, and what it may bring to a session.
export { InvariantError, TallystreamError, type Actor, type ErrorCode, type ErrorParts } from './errors.ts';
export type { Clock } from './contracts/clock.ts';
export type { LogFields, Logger } from './contracts/logger.ts';
