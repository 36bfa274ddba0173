/**
 * What `npm run planted-faults` breaks: in the file, `right` stands once and becomes `wrong`.
 * @type {readonly { name: string, file: string, right: string, wrong: string }[]}
 */
export const FAULTS = [
  {
    name: 'the watermark is moved by events that are not accepted',
    file: 'src/engine/execute.ts',
    right: 'const lateBelowMicros = watermark.lateBelowMicros;',
    wrong: 'const lateBelowMicros = watermark.lateBelowMicros; watermark.accept(eventMicros);',
  },
  {
    name: 'the watermark is the maximum over partitions',
    file: 'src/operators/watermark.ts',
    right: 'lowest = Math.min(lowest, state.maxEventMicros - delayMs * MICROS_PER_MS);',
    wrong:
      'lowest = Math.max(lowest === Infinity ? -Infinity : lowest, state.maxEventMicros - delayMs * MICROS_PER_MS);',
  },
  {
    name: 'an event at the bound is late',
    file: 'src/engine/execute.ts',
    right: 'if (eventMicros < lateBelowMicros) {',
    wrong: 'if (eventMicros <= lateBelowMicros) {',
  },
  {
    name: 'a group loses what a batch added',
    file: 'src/operators/aggregate/grouped.ts',
    right: 'this.slots.merge(group.committed, group.added, group.key);',
    wrong: 'if (group.hasCommitted) this.slots.merge(group.committed, group.added, group.key);',
  },
  {
    name: 'a group takes what a batch added twice',
    file: 'src/operators/aggregate/grouped.ts',
    right: 'this.slots.merge(group.committed, group.added, group.key);',
    wrong: 'this.slots.merge(group.committed, group.added, group.key); if (group.hasCommitted) continue;',
  },
  {
    name: 'a sink is given a batch that it holds',
    file: 'src/engine/sink-writer.ts',
    right: 'if (this.written.get(sink) !== batchId)',
    wrong: 'if (batchId >= 0)',
  },
  {
    name: 'a batch that is carried out again has another watermark',
    file: 'src/engine/loop.ts',
    right: 'await this.runBatch(planned, look,',
    wrong: 'await this.runBatch({ ...planned, watermarkMicros: committed?.watermarkMicros ?? null }, look,',
  },
  {
    name: 'a window is closed while it is open',
    file: 'src/operators/aggregate/grouped.ts',
    right: 'if (group.endMicros > watermarkMicros) continue;',
    wrong: 'if (group.endMicros > watermarkMicros + 600_000_000) continue;',
  },
  {
    name: 'a window that is over waits for the next event',
    file: 'src/engine/protocol.ts',
    right: 'watermarkMicros !== null && watermarkMicros >= input.firstEndMicros;',
    wrong: 'watermarkMicros !== null && watermarkMicros === input.firstEndMicros + 1;',
  },
  {
    name: 'sessions that meet are not merged',
    file: 'src/operators/aggregate/sessions.ts',
    right: 'start < one.end && one.start < end)',
    wrong: 'start <= one.start && one.start < end)',
  },
  {
    name: 'sessions that touch are merged',
    file: 'src/operators/aggregate/sessions.ts',
    right: 'start < one.end && one.start < end)',
    wrong: 'start <= one.end && one.start <= end)',
  },
  {
    name: 'a session that became part of another stays in the checkpoint',
    file: 'src/checkpoint/tables/aggregate-table.ts',
    right: 'for (const key of removed) this.remove(draft, JSON.stringify(key));',
    wrong: 'for (const key of removed) JSON.stringify(key);',
  },
  {
    name: 'a key takes null for the text null',
    file: 'src/operators/aggregate/grouped.ts',
    right: 'this.groups.get(JSON.stringify(key)) ??',
    wrong: "this.groups.get(JSON.stringify(key.map((cell) => (cell === null ? 'null' : cell)))) ??",
  },
  {
    name: 'closed windows are loaded again at restart',
    file: 'src/checkpoint/runner.ts',
    right: "{ which: 'open', seal: this.seal, location }",
    wrong: "{ which: 'all', seal: this.seal, location }",
  },
  {
    name: 'an average loses its count at restart',
    file: 'src/operators/aggregate/sum.ts',
    right: 'target[at + 1] = cells[1] as number;',
    wrong: 'target[at + 1] = 1;',
  },
  {
    name: 'an average is merged without its count',
    file: 'src/operators/aggregate/sum.ts',
    right: 'target[at + 1] = (target[at + 1] as number) + (later[laterAt + 1] as number);',
    wrong: 'target[at + 1] = (target[at + 1] as number) + Math.min(1, later[laterAt + 1] as number);',
  },
  {
    name: 'the first value is the last batch’s',
    file: 'src/operators/aggregate/accumulators.ts',
    right: 'if (later[laterAt] === undefined || isLater) return;',
    wrong: 'if (later[laterAt] === undefined || (isLater && target[at] !== null)) return;',
  },
  {
    name: 'the greatest text is found by UTF-16 unit',
    file: 'src/operators/aggregate/accumulators.ts',
    right: "if (typeof a === 'string') return compareTexts(a, b as string);",
    wrong: "if (typeof a === 'string') return a < (b as string) ? -1 : a > (b as string) ? 1 : 0;",
  },
  {
    name: 'ids are forgotten without the delay',
    file: 'src/operators/watermark.ts',
    right: 'eventMicros + delayMs * MICROS_PER_MS >= lateBelowMicros',
    wrong: 'eventMicros >= lateBelowMicros',
  },
  {
    name: 'what a filter holds back is compared with others',
    file: 'src/engine/decode-workers/row-preparer.ts',
    right: 'states[row] = steps(row);',
    wrong: 'states[row] = this.query.dedupe === null ? steps(row) : 0;',
  },
  {
    name: 'a filter behind the watermark hides the time of what it holds back',
    file: 'src/engine/execute.ts',
    right: 'if ((state & HELD.behindWatermark) !== 0) watermark.accept(eventMicros);',
    wrong: 'if ((state & HELD.behindWatermark) !== 0) watermark.accept(-Infinity);',
  },
  {
    name: 'a filter behind dropDuplicates hides the ids of what it holds back',
    file: 'src/operators/expression/steps.ts',
    right: "(behind.includes('dedupe') ? HELD.behindDedupe : 0)",
    wrong: "(behind.includes('dedupe') ? 0 : 0)",
  },
  {
    name: 'days of 23 hours have 24',
    file: 'src/operators/aggregate/windows.ts',
    right: 'end: instantOf(end, zone)',
    wrong: 'end: instantOf(start, zone) + (end - start)',
  },
  {
    name: 'an idle partition holds the watermark back',
    file: 'src/operators/watermark.ts',
    right: '!idlePartitions.includes(state.partition)',
    wrong: 'idlePartitions.length >= 0 && state.partition >= 0',
  },
  {
    name: 'a window that was emitted takes a redriven event',
    file: 'src/engine/dead-letters/late.ts',
    right: 'if (closed.length === 0) return undefined;',
    wrong: 'if (closed.length >= 0) return undefined;',
  },
  {
    name: 'a closed window begins anew with a redriven event',
    file: 'src/operators/aggregate/grouped.ts',
    right: 'if (span === undefined || span.end > this.closedUpTo) return undefined;',
    wrong: 'if (span === undefined || this.closedUpTo < Infinity) return undefined;',
  },
  {
    name: 'a record that is redriven twice counts twice after a restart',
    file: 'src/engine/dead-letters/redrive.ts',
    right: 'this.keys.has(key) || this.checkpoint.isRedriven(identity)',
    wrong: 'this.keys.has(key)',
  },
  {
    name: 'a sum that is infinite is null after a restart',
    file: 'src/checkpoint/tables/group-json.ts',
    right: "typeof value === 'number' && !Number.isFinite(value)",
    wrong: "typeof value === 'number' && Number.isNaN(value)",
  },
  {
    name: 'an array that holds a null has no other element',
    file: 'src/operators/expression/compare.ts',
    right: 'if (same === undefined) unknown = true;',
    wrong: 'if (same === undefined) return undefined;',
  },
];
