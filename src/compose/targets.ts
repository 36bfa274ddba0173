/** What the sinks of a query write, so that no two outputs write the same: one would replace the other. */
import { resolve } from 'node:path';
import { TallystreamError } from '../errors.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { LEDGER } from '../sinks/once.ts';
import type { SinkSpec } from '../stream/stream-host.ts';

/** One thing that a sink writes, in words for people: `topic totals`. */
export interface Target {
  readonly target: string;
  /** Whether names that differ in case alone are one, as in SQL. */
  readonly folded?: true;
}

/** @throws USAGE if two outputs of the query write the same, or one writes what the query reads */
export function targetsOf(
  sinks: readonly SinkSpec[],
  plan: QueryPlan,
  sourceTopic: string,
): readonly Target[] {
  const outputs = plan.aggregates.length === 0 ? [plan.name] : plan.aggregates.map(({ name }) => name);
  const targets = sinks.flatMap((sink) => targetsOfSink(sink, outputs, sourceTopic));
  const seen = new Set<string>();
  for (const target of targets) {
    if (seen.has(keyOf(target))) {
      throw new TallystreamError('USAGE', {
        what: `Two outputs of the query ${plan.name} would both write the ${target.target}.`,
        why: 'One of them would replace what the other wrote.',
        hint: 'Give each a target of its own.',
      });
    }
    seen.add(keyOf(target));
  }
  return targets;
}

/** Targets of the queries that run in one session. */
export class TargetClaims {
  private readonly owners = new Map<string, string>();

  /** @returns what gives them back. @throws USAGE if another query writes one of them */
  claim(targets: readonly Target[], query: string): () => void {
    for (const target of targets) {
      const owner = this.owners.get(keyOf(target));
      if (owner === undefined) continue;
      throw new TallystreamError('USAGE', {
        what: `The query ${query} would write the ${target.target}, which the query ${owner} writes.`,
        why: 'One of them would replace what the other wrote.',
        hint: 'Give one of them another target, or stop the other query first.',
      });
    }
    const keys = targets.map(keyOf);
    for (const key of keys) this.owners.set(key, query);
    return () => {
      for (const key of keys) this.owners.delete(key);
    };
  }
}

function targetsOfSink(
  { format, options }: SinkSpec,
  outputs: readonly string[],
  sourceTopic: string,
): readonly Target[] {
  const { path, table, topic } = options;
  if (format === 'file' && path !== undefined) return [{ target: `folder ${resolve(path)}` }];
  if (format === 'table' && path !== undefined) {
    if (table !== undefined && outputs.length > 1) throw oneTarget('table', table, outputs);
    return outputs.map((output) => tableTarget(table ?? output, path));
  }
  if (format === 'topic' && topic !== undefined) {
    if (outputs.length > 1) throw oneTarget('topic', topic, outputs);
    if (topic === sourceTopic) {
      throw new TallystreamError('USAGE', {
        what: `The query would write to the topic ${topic}, which it reads.`,
        why: 'It would read its own results, without end.',
        hint: 'Name another topic.',
      });
    }
    return [{ target: `topic ${topic}` }, { target: `topic ${topic}.control` }];
  }
  return [];
}

function tableTarget(table: string, path: string): Target {
  if (table.toLowerCase() === LEDGER) {
    throw new TallystreamError('USAGE', {
      what: `The sink table cannot write to ${LEDGER}.`,
      why: 'The table of this name says which batches the file holds.',
      hint: 'Name another table.',
    });
  }
  return { target: `table ${table} in ${resolve(path)}`, folded: true };
}

function oneTarget(option: 'table' | 'topic', name: string, outputs: readonly string[]): TallystreamError {
  return new TallystreamError('USAGE', {
    what: `The option ${option} names ${name} for ${outputs.length} outputs: ${outputs.join(', ')}.`,
    why: 'One of them would replace what the other wrote.',
    hint:
      option === 'table'
        ? 'Leave the option out: each output then has a table of its own name.'
        : 'Start a query for each output, with a topic of its own.',
  });
}

function keyOf({ target, folded }: Target): string {
  return folded === true ? target.toLowerCase() : target;
}
