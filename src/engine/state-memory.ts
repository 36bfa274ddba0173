/** How much memory the state of a query may take, and the refusal of more: an error with names and sizes, and no slow end. */
import { getHeapStatistics } from 'node:v8';
import { TallystreamError } from '../errors.ts';
import type { StateOperatorProgress } from '../contracts/batch.ts';

const KIBI = 1024;
const GIBI = KIBI ** 3;
/** `auto` is never more than this. */
const AUTO_BYTES_MAX = GIBI;
/** Of what the heap may grow to: the rest is for the current batch, and for collecting garbage without end in sight. */
const AUTO_HEAP_SHARE = 1 / 2;
const HEAP_SHARE_MAX = 3 / 4;

export interface StateMemory {
  /** Over all operators. */
  readonly bytesMax: number;
  /** Of those that are in the heap of JavaScript, which ends the process where it is full. */
  readonly heapBytesMax: number;
}

/** @param bytesMax null is half of what Node's heap may grow to, and 1 GiB at most */
export function stateMemoryOf(bytesMax: number | null): StateMemory {
  const { heap_size_limit: heapBytes } = getHeapStatistics();
  return {
    bytesMax: bytesMax ?? Math.min(AUTO_BYTES_MAX, Math.floor(heapBytes * AUTO_HEAP_SHARE)),
    heapBytesMax: Math.floor(heapBytes * HEAP_SHARE_MAX),
  };
}

/** What one operator holds, and where. */
export type OperatorState = StateOperatorProgress & { readonly isInHeap: boolean };

/** @param lost what became of what was not kept. @throws STATE_TOO_LARGE that names what holds how much */
export function checkStateMemory(
  memory: StateMemory,
  states: readonly OperatorState[],
  lost = 'Nothing of this batch was committed.',
): void {
  const all = sumOf(states);
  if (all > memory.bytesMax) {
    throw new TallystreamError('STATE_TOO_LARGE', {
      what: `The state of the query takes ${sizeOf(all)} of memory; the limit is ${sizeOf(memory.bytesMax)}.`,
      why: `${wordsOf(states)}. ${lost}`,
      hint:
        'Start again with a larger query.state_bytes_max; the query continues where it stopped. ' +
        'To hold less, use a shorter watermark delay, windows instead of groups that never end, or keys with fewer values.',
    });
  }
  const inHeap = sumOf(states.filter(({ isInHeap }) => isInHeap));
  if (inHeap <= memory.heapBytesMax) return;
  throw new TallystreamError('STATE_TOO_LARGE', {
    what: `The groups of the query take ${sizeOf(inHeap)}, but Node's heap has room for only ${sizeOf(memory.heapBytesMax)} of them.`,
    why: `${wordsOf(states)}. ${lost}`,
    hint: 'Start again with a larger heap, such as NODE_OPTIONS=--max-old-space-size=8192 for 8 GiB; the query continues where it stopped.',
  });
}

function sumOf(states: readonly OperatorState[]): number {
  return states.reduce((sum, { memoryUsedBytes }) => sum + memoryUsedBytes, 0);
}

/** The largest first. */
function wordsOf(states: readonly OperatorState[]): string {
  return states
    .toSorted((a, b) => b.memoryUsedBytes - a.memoryUsedBytes)
    .map(
      ({ operatorName, numRowsTotal, memoryUsedBytes, isInHeap }) =>
        `${operatorName} holds ${numRowsTotal} ${isInHeap ? 'groups' : 'ids'} in ${sizeOf(memoryUsedBytes)}`,
    )
    .join(', ');
}

/** To two decimals, in the unit that a person would use. */
function sizeOf(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let [value, unit] = [bytes, 0];
  while (value >= KIBI && unit < units.length - 1) [value, unit] = [value / KIBI, unit + 1];
  return `${Math.round(value * 100) / 100} ${units[unit] as string}`;
}
