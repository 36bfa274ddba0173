import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { judgePort, portCheck } from '../../../../src/app/cli/doctor/port.ts';

const signal = new AbortController().signal;

test('passes a page that is off, and any free port', async () => {
  assert.equal((await portCheck(null).run(signal)).found, 'off: the live page is disabled');
  assert.deepEqual((await portCheck(0).run(signal)).status, 'pass');
});

test('warns of a port that is taken, and passes it when it is free again', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { status, found, hint } = await portCheck(port).run(signal);
  assert.equal(status, 'warn');
  assert.match(found, new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is in use`));
  assert.match(hint ?? '', /--ui-port/);
  server.close();
  await once(server, 'close');
  assert.equal((await portCheck(port).run(signal)).found, `${port} is free on 127.0.0.1`);
});

test('warns of a port that this user may not have', () => {
  const { status, found, hint } = judgePort(80, 'EACCES');
  assert.equal(status, 'warn');
  assert.match(found, /cannot listen on port 80/);
  assert.match(hint ?? '', /above 1023/);
});
