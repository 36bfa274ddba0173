/** Who buys next. */
import type { Random } from '../../../producer/random.ts';
import {
  CUSTOMER_SKEW,
  FIRST_PURCHASE_SHARE,
  REGULAR_CUSTOMERS,
  REMEMBERED_NEWCOMERS,
  RETURNING_NEWCOMER_SHARE,
} from './catalogue.ts';
import { type Choice, createChoice, zipfWeights } from './choice.ts';

/** Mostly a regular customer, now and then somebody for the first time, or one who came lately. */
export class Buyers {
  /** Who buys now, from 1. Here with the rest, because an object of them would be garbage of every event. */
  customer = 0;
  isNew = false;
  /** See `kindOf` of the shop. */
  kind = 0;
  private readonly random: Random;
  private readonly kindOf: (customer: number) => number;
  private readonly chooseRegular: Choice = createChoice(zipfWeights(REGULAR_CUSTOMERS, CUSTOMER_SKEW));
  private newcomers = 0;
  /**
   * One more than the kind of every regular customer and, behind them, of the last newcomers; 0 until they first buy: a
   * start should not wait for twenty thousand customers of whom it needs a few. Small numbers, so that the table stays in
   * the processor's cache.
   */
  private readonly known = new Uint16Array(REGULAR_CUSTOMERS + REMEMBERED_NEWCOMERS);

  constructor(random: Random, kindOf: (customer: number) => number) {
    this.random = random;
    this.kindOf = kindOf;
  }

  next(): void {
    const { random, newcomers } = this;
    const draw = random.unit();
    this.isNew = draw < FIRST_PURCHASE_SHARE;
    if (this.isNew) {
      this.newcomers += 1;
      const slot = REGULAR_CUSTOMERS + (newcomers % REMEMBERED_NEWCOMERS);
      this.known[slot] = 0;
      this.take(REGULAR_CUSTOMERS + this.newcomers, slot);
    } else if (draw < FIRST_PURCHASE_SHARE + RETURNING_NEWCOMER_SHARE && newcomers > 0) {
      const place = random.below(Math.min(newcomers, REMEMBERED_NEWCOMERS));
      // The last newcomer who has this place.
      const before = (newcomers - 1 - place) % REMEMBERED_NEWCOMERS;
      this.take(REGULAR_CUSTOMERS + newcomers - before, REGULAR_CUSTOMERS + place);
    } else {
      const index = this.chooseRegular(random);
      this.take(index + 1, index);
    }
  }

  private take(customer: number, slot: number): void {
    let known = this.known[slot] as number;
    if (known === 0) {
      known = this.kindOf(customer) + 1;
      this.known[slot] = known;
    }
    this.customer = customer;
    this.kind = known - 1;
  }
}
