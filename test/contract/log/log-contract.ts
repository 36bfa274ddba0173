/** The conformance suite of src/contracts/log.ts: every implementation registers it and passes. */
import { describe } from 'node:test';
import { appendContract } from './append-contract.ts';
import { historyContract } from './history-contract.ts';
import type { LogSetup } from './log-under-test.ts';
import { modelContract } from './model-contract.ts';
import { readContract } from './read-contract.ts';
import { readingContract, readOnlyContract } from './reading-contract.ts';
import { retentionContract } from './retention-contract.ts';
import { topicContract } from './topic-contract.ts';
import { transactionContract } from './transaction-contract.ts';
import { waitContract } from './wait-contract.ts';

export function logContract(name: string, setup: LogSetup): void {
  describe(`the log contract, kept by the ${name} log`, () => {
    readingContract(setup);
    historyContract(setup);
    if (!setup.features.appends) {
      readOnlyContract(setup);
      return;
    }
    topicContract(setup);
    appendContract(setup);
    readContract(setup);
    waitContract(setup);
    retentionContract(setup);
    modelContract(setup);
    transactionContract(setup);
  });
}
