/** A thread that prepares slots in the order in which they are given to it, until it is ended. It waits without spinning. */
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { QueryPlan } from '../../plan/query-plan.ts';
import { RowPreparer } from './row-preparer.ts';
import { CLAIM, CLAIM_AT, claim, MESSAGE_AT, shapeOf, type SlotTask, SlotViews } from './shared-chunk.ts';
import { exchangedColumns, SlotWriter } from './exchange.ts';

/** What a worker is started with. */
export interface WorkerSetup {
  readonly query: QueryPlan;
  readonly hashKey: Uint8Array;
  /** Tasks come in here, and messages go out. */
  readonly port: MessagePort;
  /** One int32 that is raised and notified after every task. */
  readonly bell: SharedArrayBuffer;
}

const { query, hashKey, port, bell } = workerData as WorkerSetup;
const preparer = new RowPreparer(query, hashKey);
const exchanged = exchangedColumns(query, preparer.batch);
const writer = new SlotWriter(preparer, exchanged);
const shape = shapeOf(exchanged.flatMap((index) => preparer.batch.columns[index] ?? []));
const rung = new Int32Array(bell);

for (;;) {
  // Read before the port is looked at: a task that comes after that look raises it, and the wait ends at once.
  const heard = Atomics.load(rung, 0);
  const received = receiveMessageOnPort(port);
  if (received === undefined) Atomics.wait(rung, 0, heard);
  else prepare(received.message as SlotTask);
}

function prepare(task: SlotTask): void {
  const slot = new SlotViews(task.memory, shape, task);
  // The thread that gave it may have had time for it first.
  if (!claim(slot, task)) return;
  const message = writer.prepare(slot, task.clockMs);
  if (message !== undefined) port.postMessage(message);
  slot.flags[MESSAGE_AT] = message === undefined ? 0 : 1;
  Atomics.store(slot.flags, CLAIM_AT, CLAIM.done);
  Atomics.notify(slot.flags, CLAIM_AT);
}
