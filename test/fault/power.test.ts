/** What a crash of the machine leaves: at any moment some batch's end, from which everything goes on. */
import { test } from 'node:test';
import { withoutSignals } from './support/cli.ts';
import { roundsOf } from './support/rounds.ts';
import { takeImages } from './support/crash-image.ts';

const IMAGES = 6;

test(
  'a copy from any moment holds what some batch committed, and goes on from there',
  { skip: withoutSignals },
  async (t) => {
    await takeImages(roundsOf((text) => t.diagnostic(text), IMAGES));
  },
);
