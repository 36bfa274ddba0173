import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMask, MASKED } from '../../src/observe/mask.ts';

const CANARY = 'canary7f3a';
const mask = createMask({ customerIds: true, stacks: false });

const SECRET_NAMES = [
  'password',
  'sasl.jaas.config',
  'SSL_KEY_PASSWORD',
  'clientSecret',
  'access_token',
  'apiKey',
  'Authorization',
];
const CUSTOMER_NAMES = ['customer_id', 'customerId', 'key', 'recordKey', 'CUSTOMER_ID', 'lastCustomerIds'];

/** The canary under one of the names, at any depth of any kind of container. */
function hidden(names: readonly string[]): fc.Arbitrary<unknown> {
  const leaf = fc
    .constantFrom(...names)
    .chain((name) =>
      fc.constantFrom<unknown>(
        { [name]: CANARY },
        new Map([[name, CANARY]]),
        { [name]: { deep: [CANARY] } },
        Object.assign(new Error('failed'), { [name]: CANARY }),
        new Error('failed', { cause: { [name]: CANARY } }),
        new AggregateError([{ [name]: CANARY }], 'failed'),
        { toJSON: () => ({ [name]: CANARY }) },
      ),
    );
  const around = (inner: unknown): readonly unknown[] => [
    { inner },
    [1, inner],
    new Set([inner]),
    new Map([['inner', inner]]),
    Object.assign(new Error('outer'), { inner }),
    new Error('outer', { cause: inner }),
  ];
  return fc
    .tuple(leaf, fc.array(fc.nat(5), { maxLength: 8 }))
    .map(([inner, path]) => path.reduce<unknown>((value, choice) => around(value)[choice], inner));
}

test('a secret or a customer id is masked at any depth of anything that can be logged', () => {
  fc.assert(
    fc.property(hidden([...SECRET_NAMES, ...CUSTOMER_NAMES]), (value) => {
      const line = JSON.stringify(mask.fields({ operation: 'x', value }));
      assert.ok(!line.includes(CANARY), line);
    }),
    { numRuns: 3000 },
  );
});

test('what is not secret comes through', () => {
  const fields = {
    operation: 'commit',
    batchId: 3,
    durationMs: 1.5,
    keyed: true,
    topics: ['a'],
    at: new Date(0),
  };
  assert.deepEqual({ ...mask.fields(fields) }, { ...fields, at: '1970-01-01T00:00:00.000Z' });
});

test('secrets stay masked where customer ids may be shown', () => {
  const open = createMask({ customerIds: false, stacks: false });
  const fields = open.fields({ customer_id: 'customer_1', password: CANARY });
  assert.deepEqual({ ...fields }, { customer_id: 'customer_1', password: MASKED });
  assert.equal(open.text('customer_id=customer_1 password=p'), `customer_id=customer_1 password=${MASKED}`);
});

test('secrets and customer ids in the middle of a sentence are masked', () => {
  for (const text of [
    `sasl.password=${CANARY} and more`,
    `password: "${CANARY} two words ${CANARY}"`,
    `password="a\\"${CANARY}"`,
    `{"password":"${CANARY}"}`,
    `{\\"secret\\":\\"${CANARY}\\"}`,
    `customer_id=${CANARY}, quantity=3`,
    `{"customer_id": "${CANARY}"}`,
    `Authorization: Bearer ${CANARY}`,
    `connecting to https://user:${CANARY}@broker:9092/`,
    `connecting to https://user:pass@${CANARY}@broker:9092/`,
    `token='${CANARY} ${'x'.repeat(5000)}'`,
    `sent Bearer ${CANARY}.${CANARY}`,
    `the token eyJhbGciOiJub25l.${CANARY}.${CANARY} is refused`,
    `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----`,
    `-----BEGIN RSA PRIVATE KEY-----\\n${CANARY}, cut off`,
  ]) {
    assert.ok(!mask.text(text).includes(CANARY), mask.text(text));
  }
});

test('a hostile text does not make masking slow', () => {
  const before = process.cpuUsage();
  for (const word of ['token', 'token=', 'password"', '\\"', ' ', '://a', '"='])
    mask.text(word.repeat(10_000));
  const { user, system } = process.cpuUsage(before);
  assert.ok((user + system) / 1000 < 2_000, `${(user + system) / 1000} ms`);
});

test('the bytes of an event are never shown, only how many they are', () => {
  const line = JSON.stringify(
    mask.fields({ value: Buffer.from(CANARY), more: new Uint8Array(3), raw: new ArrayBuffer(2) }),
  );
  assert.equal(line, '{"value":"<10 bytes>","more":"<3 bytes>","raw":"<2 bytes>"}');
});

test('fields that are circular, endless, enormous or throw become a bounded line', () => {
  const circular: Record<string, unknown> = { long: 'x'.repeat(1e6), wide: new Array(1e5).fill(1) };
  circular['self'] = circular;
  const hostile = {
    circular,
    get thrower(): never {
      throw new Error('no');
    },
  };
  const endless = { toJSON: () => endless };
  for (const value of [
    circular,
    hostile,
    endless,
    10n,
    Symbol('s'),
    () => 1,
    Number.NaN,
    new URL('http://a/'),
    null,
  ]) {
    const line = JSON.stringify(mask.fields({ value }));
    assert.ok(line.length < 200_000, `${line.length}`);
  }
  assert.equal(JSON.stringify(mask.fields(hostile)), '{"fields":"<unreadable>"}');
});

test('a field called __proto__ changes nothing', () => {
  const fields = mask.fields(JSON.parse('{"__proto__": {"polluted": 1}}') as Record<string, unknown>);
  assert.deepEqual(Object.keys(fields), ['__proto__']);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test('an error is its name, message, code and causes, and its stack only where asked', () => {
  const error = Object.assign(new Error('No room.', { cause: new Error('disk') }), { code: 'STORAGE_FULL' });
  const plain = {
    name: 'Error',
    message: 'No room.',
    code: 'STORAGE_FULL',
    cause: { name: 'Error', message: 'disk' },
  };
  assert.deepEqual(JSON.parse(JSON.stringify(mask.fields({ error }))), { error: plain });
  const withStack = createMask({ customerIds: true, stacks: true }).fields({ error }) as {
    error: { stack: string[] };
  };
  assert.match(withStack.error.stack[0]!, /^at .*mask\.test\.ts/);
});
