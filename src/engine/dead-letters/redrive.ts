/**
 * The header by which a redriven record names its original. The query records that identity in its commit, so that a
 * record redriven twice counts once.
 */
import type { RecordIdentity } from '../../contracts/batch.ts';
import type { Checkpoint } from '../../contracts/checkpoint.ts';
import type { Header } from '../../contracts/log.ts';

const ORIGIN_HEADER = 'tallystream.redrive.origin';
const ACCEPT_LATE_HEADER = 'tallystream.redrive.accept-late';

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

export interface Redrive {
  readonly identity: RecordIdentity;
  /** The one who redrove it has said that it may be late; duplicates beyond the horizon cannot be excluded then. */
  readonly acceptLate: boolean;
}

export function redriveHeaders(redrive: Redrive): Header[] {
  const { topicId, partition, offset } = redrive.identity;
  const headers = [{ name: ORIGIN_HEADER, value: ENCODER.encode(`${topicId}/${partition}/${offset}`) }];
  if (redrive.acceptLate) headers.push({ name: ACCEPT_LATE_HEADER, value: ENCODER.encode('true') });
  return headers;
}

/** A record's headers except for those that speak of a redrive. */
export function withoutRedrive(headers: readonly Header[]): Header[] {
  return headers.filter(({ name }) => name !== ORIGIN_HEADER && name !== ACCEPT_LATE_HEADER);
}

/** The redrive that a record's headers speak of; undefined for any other record, or a header that is not ours. */
export function redriveOf(headers: readonly Header[] | undefined): Redrive | undefined {
  const origin = headers?.find((header) => header.name === ORIGIN_HEADER);
  if (origin === undefined) return undefined;
  const match = /^([^/]{1,64})\/(\d{1,9})\/(\d{1,15})$/.exec(DECODER.decode(origin.value));
  if (match === null) return undefined;
  const identity = { topicId: match[1] as string, partition: Number(match[2]), offset: Number(match[3]) };
  return { identity, acceptLate: headers?.some((header) => header.name === ACCEPT_LATE_HEADER) ?? false };
}

/** The records that a batch redrives, each once in the life of its query. */
export class RedrivenRecords {
  /** Those of the current batch. */
  added: RecordIdentity[] = [];
  private readonly checkpoint: Pick<Checkpoint, 'isRedriven'>;
  private readonly keys = new Set<string>();

  constructor(checkpoint: Pick<Checkpoint, 'isRedriven'>) {
    this.checkpoint = checkpoint;
  }

  clear(): void {
    this.added = [];
    this.keys.clear();
  }

  /** Whether the record was redriven before; it is from now on. */
  isRepeated(identity: RecordIdentity): boolean {
    const key = `${identity.topicId}/${identity.partition}/${identity.offset}`;
    if (this.keys.has(key) || this.checkpoint.isRedriven(identity)) return true;
    this.keys.add(key);
    this.added.push(identity);
    return false;
  }
}
