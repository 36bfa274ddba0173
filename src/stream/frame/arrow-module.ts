/** The parts of the package apache-arrow 21 that are used. Programs that call `toArrow` install it. */
import { TallystreamError } from '../../errors.ts';

const PACKAGE = 'apache-arrow';

/** A data type of Arrow. */
export type ArrowType = object;

/** A column's buffers. */
export type ArrowData = object;

/** A schema's field. */
export type ArrowField = object;

/** The buffers of a column, as Arrow lays them out. */
export interface ArrowDataProps {
  readonly type: ArrowType;
  readonly length: number;
  readonly nullCount: number;
  /** A bit a value, from the lowest: 1 if there is one. */
  readonly nullBitmap?: Uint8Array;
  readonly data?: ArrayBufferView;
  readonly valueOffsets?: Int32Array;
  readonly child?: ArrowData;
  readonly children?: readonly ArrowData[];
}

/** The part of a `Table` that needs no types of the package. */
export interface ArrowTable {
  readonly numRows: number;
  readonly numCols: number;
  readonly schema: object;
  toArray(): unknown[];
}

export interface ArrowModule {
  readonly Utf8: new () => ArrowType;
  readonly Bool: new () => ArrowType;
  readonly Int32: new () => ArrowType;
  readonly Int64: new () => ArrowType;
  readonly Float64: new () => ArrowType;
  readonly Decimal: new (scale: number, precision: number, bitWidth: number) => ArrowType;
  readonly TimestampMicrosecond: new (timeZone: string) => ArrowType;
  readonly DateDay: new () => ArrowType;
  readonly List: new (item: ArrowField) => ArrowType;
  readonly Struct: new (fields: readonly ArrowField[]) => ArrowType;
  readonly Field: new (name: string, type: ArrowType, nullable: boolean) => ArrowField;
  readonly Schema: new (fields: readonly ArrowField[]) => object;
  readonly RecordBatch: new (schema: object, data: ArrowData) => object;
  readonly Table: new (batches: readonly object[]) => ArrowTable;
  readonly makeData: (props: ArrowDataProps) => ArrowData;
}

/** @throws TallystreamError `USAGE` if the package is not installed */
export async function arrowModule(): Promise<ArrowModule> {
  try {
    // No literal, so that neither the compiler nor a bundler asks for a package that may not be there.
    return (await import(PACKAGE)) as ArrowModule;
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new TallystreamError('USAGE', {
      what: `toArrow() needs the package ${PACKAGE}, which is not installed.`,
      why: 'It is optional, because nothing else needs it.',
      hint: `Run npm install ${PACKAGE}@21.`,
      cause: error,
    });
  }
}

/** Whether it is that package that is not there, and not one that it needs. */
function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' &&
    error.message.includes(`'${PACKAGE}'`)
  );
}
