/** From the codes of a row's keys to its group: one step a key, each from a step and a code to the next step. */
import { CODE_BOUND } from './group-key.ts';

/** Places of the cache, a power of two. */
const CACHED = 1024;
/** Step, code, next step, and one unused, so that an entry has a whole share of a cache line. */
const CACHED_WORDS = 4;

export class GroupPaths<Group> {
  /** Step × CODE_BOUND + code → the next step. */
  private readonly steps = new Map<number, number>();
  private stepCount = 1;
  private groups: (Group | undefined)[] = [];
  /** Steps taken lately: a map costs several times as much, and most rows go where others have just gone. */
  private readonly cache = new Int32Array(CACHED * CACHED_WORDS).fill(-1);

  /** The step that `code` leads to from `step`; 0 is the root. */
  next(step: number, code: number): number {
    const { cache } = this;
    const mixed = Math.imul(Math.imul(step, 0x85eb_ca6b) ^ code, 0x9e37_79b1);
    const at = (mixed >>> 22) * CACHED_WORDS;
    if (cache[at] === step && cache[at + 1] === code) return cache[at + 2] as number;
    const next = this.lookUp(step * CODE_BOUND + code);
    cache[at] = step;
    cache[at + 1] = code;
    cache[at + 2] = next;
    return next;
  }

  /** Takes each of `steps` on by its code. */
  follow(steps: Int32Array, codes: Int32Array, count: number): void {
    for (let at = 0; at < count; at += 1) steps[at] = this.next(steps[at] as number, codes[at] as number);
  }

  /** The group at the end of a path; undefined if none was bound. */
  groupAt(step: number): Group | undefined {
    return this.groups[step];
  }

  bind(step: number, group: Group): void {
    while (this.groups.length <= step) this.groups.push(undefined);
    this.groups[step] = group;
  }

  clear(): void {
    this.steps.clear();
    this.stepCount = 1;
    this.groups = [];
    this.cache.fill(-1);
  }

  private lookUp(path: number): number {
    const known = this.steps.get(path);
    if (known !== undefined) return known;
    const next = this.stepCount;
    this.stepCount += 1;
    this.steps.set(path, next);
    return next;
  }
}
