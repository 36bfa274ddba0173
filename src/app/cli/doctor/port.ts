/** Whether the port of the live page is free on this machine. */
import { createServer } from 'node:net';
import { pass, type Check, type Verdict } from './check.ts';

/** By default the page is only visible on this machine. */
const HOST = '127.0.0.1';

/** @param port null if the page is off, 0 for any free port */
export function portCheck(port: number | null): Check {
  return {
    name: 'port',
    run: async () => judgePort(port, port === null ? null : await listenProblem(port)),
  };
}

/** @param problem the system's code for why we cannot listen there, or null */
export function judgePort(port: number | null, problem: string | null): Verdict {
  if (port === null) return pass('off: the live page is disabled');
  const name = port === 0 ? 'any free port' : `port ${port}`;
  if (problem === null) return pass(port === 0 ? `${name} on ${HOST}` : `${port} is free on ${HOST}`);
  if (problem === 'EADDRINUSE') {
    return {
      status: 'warn',
      found: `Port ${port} on ${HOST} is in use, perhaps by a running query.`,
      hint: 'Stop the program that listens there, or choose another port with --ui-port N (ui.port), or none with --ui-port off.',
    };
  }
  return {
    status: 'warn',
    found: `This user cannot listen on ${name} on ${HOST} (${problem}).`,
    hint: 'Choose another port with --ui-port N (ui.port), above 1023, or none with --ui-port off.',
  };
}

function listenProblem(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host: HOST, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
