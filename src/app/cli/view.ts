/** Opens the checkpoint for commands that read it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openCheckpointView } from '../compose.ts';
import type { CheckpointView } from '../../contracts/checkpoint.ts';
import { TallystreamError } from '../../errors.ts';
import type { Context } from './context.ts';

export function openView(context: Context): Promise<CheckpointView> {
  return ofCheckpoint(context, () => openCheckpointView(context.config));
}

/**
 * The result of `read` on the checkpoint.
 * @throws CHECKPOINT_NOT_FOUND. If only the demo's checkpoint exists, the message says where it is
 */
export async function ofCheckpoint<T>({ config }: Context, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const demo = join(config.dataDir, 'demo');
    if (!(error instanceof TallystreamError) || error.code !== 'CHECKPOINT_NOT_FOUND' || !existsSync(demo))
      throw error;
    throw new TallystreamError('CHECKPOINT_NOT_FOUND', {
      what: error.what,
      why: 'The query has not run here; `demo` uses a separate folder.',
      hint: `Run the query first, or use the demo's folder with --data-dir ${demo}.`,
    });
  }
}
