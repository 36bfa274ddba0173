/** What a crash of the machine leaves: at any moment some batch's end, from which everything goes on. */
import { test } from 'node:test';
import { roundsOf } from './support/rounds.ts';
import { takeImages } from './support/crash-image.ts';

const IMAGES = 6;

test(
  'a copy from any moment holds what some batch committed, and goes on from there',
  { skip: process.platform === 'win32' ? 'signals are POSIX' : false },
  async (t) => {
    await takeImages(roundsOf((text) => t.diagnostic(text), IMAGES));
  },
);
