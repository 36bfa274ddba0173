/** `config show`: each value and its origin. */
import { explainAsJson, explainAsText } from '../config/explain.ts';
import type { Context } from './context.ts';
import { createOutput } from './output.ts';

export async function configShow(context: Context): Promise<number> {
  const write = await createOutput();
  await write(context.json ? explainAsJson(context.loaded) : explainAsText(context.loaded));
  return 0;
}
