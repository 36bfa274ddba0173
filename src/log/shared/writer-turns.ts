/** What logs with transactions have in common: the names of writers, and which call of one may follow which. */
import { InvariantError, TallystreamError } from '../../errors.ts';

/** Kafka stores the name in every entry of its transaction log. */
const WRITER_NAME_BYTES_MAX = 249;

/** @throws CONFIG_INVALID */
export function checkWriterName(name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes >= 1 && bytes <= WRITER_NAME_BYTES_MAX) return;
  throw new TallystreamError('CONFIG_INVALID', {
    what: `${JSON.stringify(name.slice(0, 50))}${name.length > 50 ? ' …' : ''}, of ${bytes} bytes, cannot be the name of a transactional writer.`,
    hint: `Use 1 to ${WRITER_NAME_BYTES_MAX} bytes. Writers that run at the same time need different names.`,
  });
}

export function writerFenced(name: string, why: string, cause?: unknown): TallystreamError {
  return new TallystreamError('WRITER_FENCED', {
    what: `The writer ${name} may no longer write. Its uncommitted records were rolled back.`,
    why,
    hint: 'Make sure that only one process uses this name, then start it again.',
    cause,
  });
}

type WriterCall = 'append' | 'commit' | 'abort';

/**
 * Lets appends to several topics through together, and the other calls alone; after an error only those that the contract
 * allows: `abort`, and a repeat of a commit that failed. A writer that is fenced stays so.
 */
export class WriterTurns {
  private readonly name: string;
  private ending: 'commit' | 'abort' | undefined;
  /** Topics that are appended to at the moment. */
  private readonly appending = new Set<string>();
  private failed: WriterCall | undefined;
  private fence: TallystreamError | undefined;
  private isClosed = false;

  constructor(name: string) {
    this.name = name;
  }

  /** @throws InvariantError if the caller does not keep to the contract; WRITER_FENCED; any error of `act` */
  async append(topic: string, act: () => Promise<void>): Promise<void> {
    this.admit('append');
    if (this.appending.has(topic))
      throw this.misuse('append', `while another append to ${topic} is in progress`);
    this.appending.add(topic);
    try {
      await act();
    } catch (error) {
      this.note('append', error);
      throw error;
    } finally {
      this.appending.delete(topic);
    }
  }

  /** @throws like `append` */
  async end(call: 'commit' | 'abort', act: () => Promise<void>): Promise<void> {
    this.admit(call);
    if (this.appending.size > 0) throw this.misuse(call, 'while an append is in progress');
    this.ending = call;
    try {
      await act();
      this.failed = undefined;
    } catch (error) {
      this.note(call, error);
      throw error;
    } finally {
      this.ending = undefined;
    }
  }

  /** False if it was closed before. */
  close(): boolean {
    if (this.isClosed) return false;
    this.isClosed = true;
    return true;
  }

  private admit(call: WriterCall): void {
    if (this.isClosed) throw this.misuse(call, 'after it was closed');
    if (this.ending !== undefined) throw this.misuse(call, `while its ${this.ending} is in progress`);
    if (this.fence !== undefined) throw this.fence;
    const { failed } = this;
    const mayFollow = call === 'abort' || (call === 'commit' && failed === 'commit');
    if (failed !== undefined && !mayFollow) {
      throw this.misuse(call, `after its ${failed} failed and was not aborted`);
    }
  }

  private note(call: WriterCall, error: unknown): void {
    const code = error instanceof TallystreamError ? error.code : undefined;
    if (code === 'RECORD_TOO_LARGE') return;
    if (code === 'WRITER_FENCED') this.fence = error as TallystreamError;
    // An abort that fails leaves what failed before it as it is, so that a commit in doubt can still be repeated.
    this.failed = call === 'abort' ? (this.failed ?? call) : call;
  }

  private misuse(call: WriterCall, when: string): InvariantError {
    return new InvariantError(`${call} of the writer ${this.name} was called ${when}`);
  }
}
