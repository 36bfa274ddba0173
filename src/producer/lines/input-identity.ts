import { createHash } from 'node:crypto';
import { TallystreamError } from '../../errors.ts';
import type { Input } from './input.ts';
import type { InputIdentity, StoredPosition } from './position-file.ts';

/** An input is known again by this much of its start: it may grow, but what was delivered does not change. */
export const HEAD_BYTES_MAX = 65_536;
const LF = 0x0a;

/** Of a stream nothing is known before its first bytes come: see stream-head.ts. */
export async function identify(input: Input): Promise<InputIdentity> {
  if (!input.seekable) return { kind: 'stream', headBytes: 0, headSha256: '' };
  const headBytes = Math.min(HEAD_BYTES_MAX, await input.size());
  return { kind: 'file', headBytes, headSha256: hashOf(await input.peek(0, headBytes)) };
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The refusal of an input that is not the one that the position was stored for. */
export function otherInput(input: Input, found: StoredPosition, path: string, why: string): TallystreamError {
  return new TallystreamError('USAGE', {
    what: `The name '${found.name}' belongs to a different input than ${input.name}: ${why}.`,
    hint: `Use another name for --resume, or remove ${path} to deliver this input from its first line.`,
  });
}

/** @throws USAGE if the input is not the one that the position was stored for; a stream is compared while it is read */
export async function refuseOtherInput(input: Input, found: StoredPosition, path: string): Promise<void> {
  const refuse = (why: string): never => {
    throw otherInput(input, found, path, why);
  };
  if (found.input.kind === 'stream') {
    if (input.seekable) refuse('it has been reading a stream, and this is a file');
    return;
  }
  if (!input.seekable) refuse('it has been reading a file, and this is a stream');
  const size = await input.size();
  if (size < found.bytes) refuse(`${found.bytes} bytes were delivered, and this file has only ${size}`);
  const { headBytes, headSha256 } = found.input;
  if (hashOf(await input.peek(0, headBytes)) !== headSha256) {
    refuse(`the first ${headBytes} bytes differ`);
  }
}

/**
 * The byte at which the next line starts: the position, or the one after a LF that was added to the file's last line
 * after that line had been delivered without one.
 * @throws USAGE if more than a LF was added to it
 */
export async function skipToLineStart(input: Input, found: StoredPosition): Promise<number> {
  if (!input.seekable || found.bytes === 0) return found.bytes;
  const [before, after] = await input.peek(found.bytes - 1, 2);
  if (before === LF || after === undefined) return found.bytes;
  if (after === LF) return found.bytes + 1;
  throw new TallystreamError('USAGE', {
    what: `Line ${found.lines} of ${input.name} was extended after '${found.name}' delivered it.`,
    why: 'It was the last line and had no line end, so it was taken as complete.',
    hint: 'Write complete lines, each ended by LF. Use another name for --resume to deliver the file again.',
  });
}
