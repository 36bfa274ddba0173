import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as used from '../../../../src/log/kafka/wire/client.ts';

test('what is used of the Kafka client is what its entry exports', async () => {
  // After ours, so that the client finds its modules with what they were given.
  const whole = (await import('@platformatic/kafka')) as unknown as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(used)) {
    // A request is a module, of which each way of importing it makes an object of its own.
    if (/V[0-9]+$/.test(name)) assert.equal(apiOf(value), apiOf(whole[name]), name);
    else assert.equal(value, whole[name], name);
    assert.notEqual(value, undefined, name);
  }
});

test("the client's own parts are whole for whoever else imports it", async () => {
  const { ajv, Admin, murmur2 } = await import('@platformatic/kafka');
  assert.equal(ajv.validate({ type: 'string' }, 1), false);
  assert.throws(() => new Admin({ clientId: '', bootstrapBrokers: [], strict: true }), /clientId/);
  assert.equal(typeof murmur2(Buffer.from('key')), 'number');
});

function apiOf(value: unknown): unknown {
  const { api } = value as { readonly api?: unknown };
  assert.notEqual(api, undefined);
  return api;
}
