console.error(
  'Kafka comes with a later version of Tallystream. The embedded log needs no server: try `make demo`, or `npm run demo`.',
);
process.exitCode = 1;
