/** A real PostgreSQL server for a test: in a temporary folder, on a socket in it. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMissing } from './missing-package.ts';
import { connect } from './postgres-client.ts';

const READY_TIMEOUT_MS = 240_000;
const LOOK_EVERY_MS = 100;
const STOP_TIMEOUT_MS = 120_000;

let reason: string | false | undefined;

/**
 * Why tests with PostgreSQL are left out; false where it can be had. With POSTGRES_TESTS=required, as continuous
 * integration sets it, nothing is left out: what is missing is an error.
 */
export function withoutPostgres(): string | false {
  reason ??= whyWithout();
  if (reason !== false && process.env['POSTGRES_TESTS'] === 'required') throw new Error(reason);
  return reason;
}

function whyWithout(): string | false {
  if (process.platform === 'win32') return 'the tests with PostgreSQL do not run on Windows';
  if (programs() === undefined) return 'no PostgreSQL server here: install the package postgresql';
  return isMissing('pg') && 'the package pg is not installed';
}

/** Debian keeps the server's programs off the PATH. */
function programs(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  const folders = [
    ...versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

export interface PostgresServer {
  /** The folder of its socket: what a client takes for the host. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Starts a server and waits until it answers. Whoever starts one stops it. */
export async function startPostgres(): Promise<PostgresServer> {
  const bin = programs() ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-pg-'));
  const user = serverUser();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const log = openSync(join(folder, 'log'), 'a');
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
      child.kill('SIGINT');
      await ended.catch(() => child?.kill('SIGKILL'));
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const words = [
      '--pgdata',
      data,
      '--username',
      'tallystream',
      '--auth',
      'trust',
      '--no-sync',
      '--encoding',
      'UTF8',
    ];
    execFileSync(join(bin, 'initdb'), [...words, '--locale', 'C'], {
      ...user,
      cwd: folder,
      stdio: ['ignore', log, log],
    });
    // Clients are killed here and not the server: nothing has to outlive the machine.
    const flags = [
      '-D',
      data,
      '-k',
      folder,
      '-c',
      'listen_addresses=',
      '-c',
      'fsync=off',
      '-c',
      'max_connections=20',
    ];
    child = spawn(join(bin, 'postgres'), flags, { ...user, cwd: folder, stdio: ['ignore', log, log] });
    const server = child;
    process.once('exit', () => server.kill('SIGINT'));
    await untilReady(folder, server);
    return { address: folder, stop };
  } catch (error) {
    const said = readFileSync(join(folder, 'log'), 'utf8');
    await stop();
    throw new Error(`no PostgreSQL server: ${said.slice(-2_000)}`, { cause: error });
  } finally {
    closeSync(log);
  }
}

async function untilReady(address: string, server: ChildProcess): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    try {
      const client = await connect(address);
      await client.end();
      return;
    } catch (error) {
      if (waitedMs >= READY_TIMEOUT_MS || server.exitCode !== null) throw error;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

/** The server refuses to run as root, so that it runs as a user without rights there. */
function serverUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}
