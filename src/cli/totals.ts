/** `totals`: what the checkpoint holds now. */
import { openCheckpointView } from '../compose.ts';
import { buildTotals, renderTotals } from '../purchases/totals.ts';
import type { Context } from './context.ts';
import { createOutput, jsonLine } from './output.ts';

export async function totals(context: Context): Promise<number> {
  const view = await openCheckpointView(context.config);
  try {
    const held = buildTotals(view);
    const write = await createOutput();
    await write(context.json ? jsonLine(held) : renderTotals(held));
    return 0;
  } finally {
    view.close();
  }
}
