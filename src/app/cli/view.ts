/** The checkpoint as commands read it. */
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
 * What `read` finds in the checkpoint.
 * @throws CHECKPOINT_NOT_FOUND, which says where the demo's lies where that is the only one
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
      why: 'The query has not run here; what `demo` counted lies in a folder of its own.',
      mend: `Run the query first, or look at the demo's with --data-dir ${demo}.`,
    });
  }
}
