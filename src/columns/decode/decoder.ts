/** The decoder of a schema: compiled if possible, with the exact one as a fallback. */
import { CompiledDecoder } from './compiled/compiled-decoder.ts';
import { canCompile } from './compiled/program.ts';
import type { Decoder, DecoderOptions } from './decoder-types.ts';
import { ScanningDecoder } from './scanning-decoder.ts';
import type { Schema } from '../schema/schema.ts';

export type { Decoder, DecoderOptions } from './decoder-types.ts';

/** A decoder for batches of `schema`. It keeps its own buffers, so it serves one batch at a time. */
export function createDecoder(schema: Schema, options: DecoderOptions): Decoder {
  const exact = new ScanningDecoder(schema, options);
  return canCompile(schema) ? new CompiledDecoder(schema, options, exact) : exact;
}
