/** A connection to a PostgreSQL server by the package `pg`, as users have it. */
import type { PostgresClient } from '../../src/sinks/once-postgres.ts';

interface PgClient extends PostgresClient {
  connect(): Promise<unknown>;
  end(): Promise<void>;
}

interface PgPool extends PostgresClient {
  readonly idleCount: number;
  end(): Promise<void>;
}

interface Pg {
  readonly Client: new (options: object) => PgClient;
  readonly Pool: new (options: object) => PgPool;
}

/** What is needed of the package is said here: it brings no types. */
async function pg(): Promise<Pg> {
  // @ts-ignore: without types, or without the package
  return ((await import('pg')) as { default: Pg }).default;
}

const optionsOf = (address: string): object => ({ host: address, user: 'tallystream', database: 'postgres' });

/** `address` is the folder of the server's socket. */
export async function connect(address: string): Promise<PgClient> {
  const { Client } = await pg();
  const client = new Client(optionsOf(address));
  await client.connect();
  return client;
}

export async function createPool(address: string): Promise<PgPool> {
  const { Pool } = await pg();
  return new Pool(optionsOf(address));
}
