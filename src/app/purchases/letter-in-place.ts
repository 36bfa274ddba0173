/** What is written instead of a dead letter that its topic rejects, so that no letter stops the query. */
import type { Header, RecordInput, RecordRefusal } from '../../contracts/log.ts';

/** A dead letter as a record: the headers of the event come first, and ours after them. */
export interface LetterRecord extends RecordInput {
  readonly headers: readonly Header[];
  /** How many of the headers belong to the event. */
  readonly eventHeaders: number;
  /** Where the event itself is: `topic/partition/offset`. */
  readonly position: string;
}

/** Names of headers that say what was changed. The original event is at the position in the letter. */
const OMITTED = {
  value: 'tallystream.value.omitted',
  headers: 'tallystream.headers.omitted',
  key: 'tallystream.key.omitted',
} as const;
/** The log timestamp of an event whose letter has another one. */
export const TIMESTAMP_HEADER = 'tallystream.timestamp.original';
const KEY_ADDED_HEADER = 'tallystream.key.added';

/**
 * The same letter without what the topic rejects. If it is too large, its largest part is removed (value, headers of the
 * event or key). If its timestamp is rejected, it gets the current time. If it is rejected for another reason, it gets a key
 * if it has none, since a compacted topic requires one. Undefined if nothing is left to change.
 */
export function letterInPlaceOf(letter: LetterRecord, refusal: RecordRefusal): LetterRecord | undefined {
  switch (refusal) {
    case 'too large':
      return withoutLargest(letter);
    case 'timestamp':
      return withPresentTime(letter);
    case 'invalid':
      return withKey(letter);
  }
}

export function header(name: string, value: string | number): Header {
  return { name, value: Buffer.from(String(value)) };
}

function withoutLargest(letter: LetterRecord): LetterRecord | undefined {
  const { key, value, headers, eventHeaders } = letter;
  const bytes = {
    value: value?.length ?? 0,
    headers: headers
      .slice(0, eventHeaders)
      .reduce((sum, each) => sum + Buffer.byteLength(each.name) + each.value.length, 0),
    key: key?.length ?? 0,
  };
  const largest = Math.max(bytes.value, bytes.headers, bytes.key);
  if (largest === 0) return undefined;
  if (bytes.value === largest) return noted({ ...letter, value: null }, OMITTED.value, largest);
  if (bytes.key === largest) return noted({ ...letter, key: null }, OMITTED.key, largest);
  const ours = headers.slice(eventHeaders);
  return noted({ ...letter, headers: ours, eventHeaders: 0 }, OMITTED.headers, largest);
}

function withPresentTime({ timestampMs, ...letter }: LetterRecord): LetterRecord | undefined {
  return timestampMs === undefined ? undefined : noted(letter, TIMESTAMP_HEADER, timestampMs);
}

function withKey(letter: LetterRecord): LetterRecord | undefined {
  if (letter.key !== null) return undefined;
  return noted({ ...letter, key: Buffer.from(letter.position) }, KEY_ADDED_HEADER, letter.position);
}

function noted(letter: LetterRecord, name: string, value: string | number): LetterRecord {
  return { ...letter, headers: [...letter.headers, header(name, value)] };
}
