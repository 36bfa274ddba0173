/** Validation rules as frozen data, so that every engine that runs a plan gives them the same meaning. */
import type { Reason } from '../columns/decode/problem.ts';
import type { FieldType, Leaf, Schema } from '../columns/schema/schema.ts';
import type { PathOfKind } from '../columns/schema/paths.ts';

/** A rule that events must meet, as data. An event that breaks one becomes a dead letter with the rule's reason. */
export type Rule =
  /** The text has `min` to `max` characters (code points). */
  | { readonly kind: 'characters'; readonly field: string; readonly min: number; readonly max: number }
  /** The text is one of `values`. A value in `refused` is rejected with the reason given there. */
  | {
      readonly kind: 'oneOf';
      readonly field: string;
      readonly values: readonly string[];
      readonly expected: string;
      readonly refused: Readonly<Record<string, string>>;
    }
  /** min ≤ value ≤ max, both as decimal text; null is no bound. */
  | {
      readonly kind: 'between';
      readonly field: string;
      readonly min: string | null;
      readonly max: string | null;
    }
  /** |total − price × quantity × (1 − discount/100)| ≤ tolerance, computed exactly; an absent discount is 0. */
  | {
      readonly kind: 'amount';
      readonly total: string;
      readonly price: string;
      readonly quantity: string;
      readonly discount: string;
      readonly tolerance: string;
    }
  /** The instant is not ahead of min(log timestamp, plan's clock) + tolerance. */
  | { readonly kind: 'notAhead'; readonly field: string; readonly toleranceMs: number };

/** A rule over the fields of `S`, each of the type that the rule needs. */
export type RuleFor<S extends Schema> = {
  readonly [Kind in Rule['kind']]: Omit<Extract<Rule, { kind: Kind }>, keyof FieldsOf<S>[Kind]> &
    FieldsOf<S>[Kind];
}[Rule['kind']];

interface FieldsOf<S extends Schema> {
  readonly characters: { readonly field: PathOfKind<S, 'string'> };
  readonly oneOf: { readonly field: PathOfKind<S, 'string'> };
  readonly between: { readonly field: PathOfKind<S, 'int' | 'decimal'> };
  readonly amount: {
    readonly total: PathOfKind<S, 'decimal'>;
    readonly price: PathOfKind<S, 'decimal'>;
    readonly discount: PathOfKind<S, 'decimal'>;
    readonly quantity: PathOfKind<S, 'int'>;
  };
  readonly notAhead: { readonly field: PathOfKind<S, 'timestamp'> };
}

/** The types that the fields of a rule may have. */
const KINDS_OF_RULE: {
  readonly [Kind in Rule['kind']]: Readonly<
    Record<keyof FieldsOf<Schema>[Kind], readonly FieldType['kind'][]>
  >;
} = {
  characters: { field: ['string'] },
  oneOf: { field: ['string'] },
  between: { field: ['int', 'decimal'] },
  amount: { total: ['decimal'], price: ['decimal'], quantity: ['int'], discount: ['decimal'] },
  notAhead: { field: ['timestamp'] },
};

/** What is wrong with a rule over events of this schema, for programs that no compiler has seen; undefined if nothing is. */
export function faultOfRule(rule: Rule, leaves: readonly Leaf[]): string | undefined {
  const kindsOf = Object.hasOwn(KINDS_OF_RULE, rule.kind) ? KINDS_OF_RULE[rule.kind] : undefined;
  if (kindsOf === undefined)
    return `there is no rule ${JSON.stringify(rule.kind)}; the rules are ${Object.keys(KINDS_OF_RULE).join(', ')}`;
  for (const [name, kinds] of Object.entries(kindsOf)) {
    const path = (rule as unknown as Readonly<Record<string, unknown>>)[name];
    const leaf = leaves.find((each) => each.path === path);
    if (leaf === undefined)
      return `the rule ${rule.kind} has the ${name} ${JSON.stringify(path)}, but the fields of the events are ${leaves.map((each) => each.path).join(', ')}`;
    if (!kinds.includes(leaf.type.kind))
      return `the rule ${rule.kind} needs ${kinds.join(' or ')} as its ${name}, but ${leaf.path} is ${leaf.type.kind}`;
    if (rule.kind === 'oneOf' && leaf.type.kind === 'string' && !leaf.type.dictionary)
      return `the rule oneOf needs a dictionary field; declare ${leaf.path} as types.string({ dictionary: true })`;
  }
  return undefined;
}

/** The reason that an event gets when it breaks a rule of this kind. */
export const REASON_OF_RULE: Readonly<Record<Rule['kind'], Reason>> = {
  characters: 'OUT_OF_RANGE',
  oneOf: 'OUT_OF_RANGE',
  between: 'OUT_OF_RANGE',
  amount: 'AMOUNT_MISMATCH',
  notAhead: 'FUTURE_TIMESTAMP',
};
