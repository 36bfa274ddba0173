/** Whether the port of the live page is free on this machine. */
import { createServer } from 'node:net';
import { pass, type Check, type Verdict } from './check.ts';

/** Only this machine sees the page unless somebody asks otherwise. */
const HOST = '127.0.0.1';

/** @param port null where the page is off, 0 for any free one */
export function portCheck(port: number | null): Check {
  return {
    name: 'port',
    run: async () => judgePort(port, port === null ? null : await listenProblem(port)),
  };
}

/** @param problem the system's code for why nobody can listen there, or null */
export function judgePort(port: number | null, problem: string | null): Verdict {
  if (port === null) return pass('off: the live page is not asked for');
  const name = port === 0 ? 'any free port' : `port ${port}`;
  if (problem === null) return pass(port === 0 ? `${name} of ${HOST}` : `${port} is free on ${HOST}`);
  if (problem === 'EADDRINUSE') {
    return {
      status: 'warn',
      found: `${port} is taken on ${HOST}, perhaps by a query that runs already.`,
      mend: 'End the program that listens there, or choose another port with --ui-port N (ui.port), or none with --ui-port off.',
    };
  }
  return {
    status: 'warn',
    found: `This user cannot listen on ${name} of ${HOST} (${problem}).`,
    mend: 'Choose another port with --ui-port N (ui.port), above 1023, or none with --ui-port off.',
  };
}

function listenProblem(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host: HOST, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
