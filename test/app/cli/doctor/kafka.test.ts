import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeCluster, judgeReach } from '../../../../src/app/cli/doctor/kafka.ts';
import type { ClusterAnswer } from '../../../../src/app/compose.ts';
import { TallystreamError } from '../../../../src/errors.ts';

type Broker = ClusterAnswer['brokers'][number];

const requests = [
  { name: 'Fetch', sent: 13, min: 4, max: 18 },
  { name: 'EndTxn', sent: 3, min: 0, max: 5 },
];
const broker: Broker = { nodeId: 1, address: 'a:9092', ms: 4.04, release: '4.3', requests };

function judge(...brokers: Broker[]) {
  return judgeCluster({ clusterId: 'c', brokerCount: brokers.length, brokers });
}

function refused(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

test('servers that can all be reached pass, with the time of each', () => {
  const { status, found, details } = judgeReach([
    { server: 'a:1', ms: 1.26 },
    { server: 'b:2', ms: 20 },
  ]);
  assert.equal(status, 'pass');
  assert.equal(found, 'a:1 accepts connections, 1.3 ms\nb:2 accepts connections, 20.0 ms');
  assert.deepEqual(details, {
    servers: [
      { server: 'a:1', ms: 1.3, problem: null },
      { server: 'b:2', ms: 20, problem: null },
    ],
  });
});

test('one server that is away is a warning, all of them are a failure, and the way out fits the reason', () => {
  const away = { server: 'b:2', ms: null, fault: refused('ECONNREFUSED') };
  const some = judgeReach([{ server: 'a:1', ms: 1 }, away]);
  assert.equal(some.status, 'warn');
  assert.match(some.hint ?? '', /No program listens there.*--bootstrap-servers/);
  const all = judgeReach([away, { server: 'c:3', ms: null, fault: refused('ENOTFOUND') }]);
  assert.equal(all.status, 'fail');
  assert.match(all.hint ?? '', /No program listens there.*The host name is unknown/);
  const late = judgeReach([{ server: 'd:4', ms: null, fault: new Error('no answer within 4 seconds') }]);
  assert.equal(
    late.found,
    'Apache Kafka cannot be used at the moment.\nd:4 cannot be reached: no answer within 4 seconds',
  );
  assert.match(late.hint ?? '', /firewall/);
});

test('brokers that take what is sent pass, with their release and what all of them take', () => {
  const older = {
    ...broker,
    nodeId: 2,
    release: null,
    requests: [{ ...requests[0]!, max: 13 }, requests[1]!],
  };
  const { status, found } = judge(broker, older);
  assert.equal(status, 'pass');
  assert.equal(
    found,
    [
      'broker 1 at a:9092, 4.0 ms, like Apache Kafka 4.3',
      'broker 2 at a:9092, 4.0 ms, of an unknown release',
      'every request version that is sent is supported:',
      'Fetch 13 of 4–13, EndTxn 3 of 0–5',
    ].join('\n'),
  );
});

test('a request that a broker does not take fails, whether the broker is too old or too new', () => {
  const old = judge(broker, { ...broker, nodeId: 2, requests: [{ ...requests[0]!, max: 12 }] });
  assert.equal(old.status, 'fail');
  assert.match(old.found, /Fetch is sent as version 13, and broker 2 supports 4 to 12$/);
  assert.match(old.hint ?? '', /3\.1 or later/);
  const without = judge({ ...broker, requests: [{ ...requests[1]!, min: -1, max: -1 }] });
  assert.match(without.found, /EndTxn is sent as version 3, and broker 1 does not support it$/);
  const young = judge({ ...broker, requests: [{ ...requests[0]!, min: 14 }] });
  assert.equal(young.status, 'fail');
  assert.match(young.hint ?? '', /newer version of Tallystream/);
});

test('a broker that clients cannot reach at its own address is named, with where that address comes from', () => {
  const fault = new TallystreamError('LOG_UNAVAILABLE', { what: 'Away.' });
  const hidden = { ...broker, nodeId: 2, address: 'kafka-internal:9092', requests: [], fault };
  const some = judge(broker, hidden);
  assert.equal(some.status, 'warn');
  assert.match(some.found, /broker 2 at kafka-internal:9092 cannot be used: Away\./);
  assert.match(some.hint ?? '', /advertised\.listeners/);
  assert.equal(judge(hidden).status, 'fail');
  const closed = { ...hidden, fault: new TallystreamError('CONFIG_INVALID', { what: 'No.' }) };
  assert.match(judge(closed).hint ?? '', /kafka\.security_protocol/);
});
