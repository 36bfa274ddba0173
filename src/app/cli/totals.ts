/** `totals`: the current totals of the checkpoint. */
import { buildTotals, renderTotals } from '../purchases/report/totals.ts';
import type { Context } from './context.ts';
import { createOutput, jsonLine } from './output.ts';
import { openView } from './view.ts';

export async function totals(context: Context): Promise<number> {
  context.signals.leaveToSystem();
  const view = await openView(context);
  try {
    const held = buildTotals(view);
    const write = await createOutput();
    await write(context.json ? jsonLine(held) : renderTotals(held));
    return 0;
  } finally {
    view.close();
  }
}
