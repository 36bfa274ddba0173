/** A stream to describe a query with, where someone else opens and runs it. */
import type { Schema } from '../columns/schema/schema.ts';
import { TallystreamError } from '../errors.ts';
import { DataStream } from './data-stream.ts';
import type { StreamHost } from './stream-host.ts';
import { emptyParts } from './stream-parts.ts';

/** A stream of events of this schema that has no source: it gives plans, and starts nothing. */
export function describeStream<S extends Schema>(schema: S): DataStream<S> {
  return new DataStream<S>(NOWHERE, emptyParts({ format: 'memory', options: {} }, schema));
}

const NOWHERE = new Proxy({} as StreamHost, {
  get() {
    throw new TallystreamError('USAGE', {
      what: 'This stream has no source: it can describe a query, but not start one.',
      hint: 'Create the stream with session.readStream.',
    });
  },
});
