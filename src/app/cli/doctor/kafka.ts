/** Whether Kafka's brokers can be reached, and whether they support the request versions that we send. */
import type { Config } from '../../config/keys.ts';
import { createKafkaProbe, type ClusterAnswer, type ServerAnswer } from '../../compose.ts';
import type { Clock } from '../../../contracts/clock.ts';
import { TallystreamError } from '../../../errors.ts';
import { notTried, pass, verdictOf, type Check, type Verdict } from './check.ts';
import { systemReason } from './system-reason.ts';

/** For each request, so that an unreachable broker costs no more. */
export const KAFKA_TIMEOUT_MS = 4_000;
/** A check that sends several requests one after the other. */
export const KAFKA_CHECK_TIMEOUT_MS = 15_000;

export const HINT_KAFKA =
  'The brokers accept connections but do not answer in time. Check their logs, and that kafka.security_protocol matches their listeners. Then run doctor again.';

const UNREACHABLE = 'no bootstrap server can be reached';

export interface KafkaFacts {
  /** One answer for every bootstrap server. */
  reach(): Promise<readonly ServerAnswer[]>;
  /** @throws CONFIG_INVALID, LOG_UNAVAILABLE */
  cluster(): Promise<ClusterAnswer>;
  /** Why the topic cannot be examined, as a part of a sentence; undefined if it can. Sends missing requests first. */
  obstacle(): Promise<string | undefined>;
}

/** Each request is sent once, even if several checks need it. Requests are aborted with `ended`. */
export function kafkaFacts(config: Config, clock: Clock, ended: AbortSignal): KafkaFacts {
  const probe = createKafkaProbe(config, clock, KAFKA_TIMEOUT_MS);
  let reached: Promise<readonly ServerAnswer[]> | undefined;
  let asked: Promise<ClusterAnswer> | undefined;
  const reach = () => (reached ??= probe.then((each) => each.reach()));
  const ask = async () => {
    const servers = (await reach()).filter(({ ms }) => ms !== null).map(({ server }) => server);
    return (await probe).ask(servers, ended);
  };
  const cluster = () => (asked ??= ask());
  return {
    reach,
    cluster,
    obstacle: async () => {
      if ((await reach()).every(({ ms }) => ms === null)) return UNREACHABLE;
      try {
        const { brokers } = await cluster();
        return brokers.every(({ fault }) => fault !== undefined) ? 'no broker can be used' : undefined;
      } catch {
        return 'no broker can be used';
      }
    },
  };
}

export function brokersCheck(facts: KafkaFacts): Check {
  return { name: 'brokers', run: async () => judgeReach(await facts.reach()) };
}

export function judgeReach(answers: readonly ServerAnswer[]): Verdict {
  const lines = answers.map(({ server, ms, fault }) =>
    ms === null
      ? `${server} cannot be reached: ${systemReason(fault)}`
      : `${server} accepts connections, ${inMs(ms)}`,
  );
  const away = answers.filter(({ ms }) => ms === null);
  const details = {
    servers: answers.map(({ server, ms, fault }) => {
      return { server, ms: rounded(ms), problem: ms === null ? systemReason(fault) : null };
    }),
  };
  const found = lines.join('\n');
  if (away.length === 0) return pass(found, details);
  const isUnusable = away.length === answers.length;
  return {
    status: isUnusable ? 'fail' : 'warn',
    found: isUnusable ? `Apache Kafka cannot be used at the moment.\n${found}` : found,
    hint: [
      ...new Set(away.map(({ fault }) => hintOf(fault))),
      '--bootstrap-servers (kafka.bootstrap_servers) names the brokers.',
    ].join(' '),
    details,
  };
}

export function protocolCheck(facts: KafkaFacts): Check {
  return {
    name: 'protocol',
    timeoutMs: KAFKA_CHECK_TIMEOUT_MS,
    hintUnanswered: HINT_KAFKA,
    run: async () => {
      if ((await facts.reach()).every(({ ms }) => ms === null)) {
        return notTried(UNREACHABLE);
      }
      try {
        return judgeCluster(await facts.cluster());
      } catch (error) {
        return withSecurityInMind(verdictOf(error), error);
      }
    },
  };
}

export function judgeCluster({ clusterId, brokerCount, brokers }: ClusterAnswer): Verdict {
  const details = {
    clusterId,
    brokers: brokers.map(({ nodeId, address, ms, release, requests, fault }) => {
      return { nodeId, address, ms: rounded(ms), release, requests, problem: fault?.message ?? null };
    }),
  };
  const lines = brokers.map(({ nodeId, address, ms, release, fault }) => {
    const name = `broker ${nodeId} at ${address}`;
    if (fault !== undefined) return `${name} cannot be used: ${fault.message}`;
    return `${name}, ${inMs(ms)}, ${release === null ? 'of an unknown release' : `like Apache Kafka ${release}`}`;
  });
  if (brokerCount > brokers.length) lines.push(`… and ${brokerCount - brokers.length} more, not checked`);
  const missing = brokers.flatMap(({ nodeId, requests }) =>
    requests
      .filter(({ sent, min, max }) => sent < min || sent > max)
      .map(({ name, sent, min, max }) => {
        const taken = max < 0 ? 'does not support it' : `supports ${min} to ${max}`;
        return {
          tooOld: sent > max,
          text: `${name} is sent as version ${sent}, and broker ${nodeId} ${taken}`,
        };
      }),
  );
  if (missing.length > 0) {
    const hint = missing.some(({ tooOld }) => tooOld)
      ? 'Use Apache Kafka 3.1 or later.'
      : 'These brokers no longer support the requests of this version: use a newer version of Tallystream.';
    return {
      status: 'fail',
      found: [...lines, ...missing.map(({ text }) => text)].join('\n'),
      hint,
      details,
    };
  }
  const silent = brokers.filter(({ fault }) => fault !== undefined);
  if (silent.length > 0) {
    const isAway = silent.some(({ fault }) => fault instanceof TallystreamError && fault.retry);
    return {
      status: silent.length === brokers.length ? 'fail' : 'warn',
      found: lines.join('\n'),
      hint: isAway
        ? 'Brokers give these addresses to their clients (advertised.listeners). They must be reachable from this machine.'
        : 'Check kafka.security_protocol and the related settings for these brokers.',
      details,
    };
  }
  return pass([...lines, requestsText(brokers)].join('\n'), details);
}

const REQUESTS_A_LINE = 4;

/** The version that is sent, and the versions that all brokers support: `Produce 9 of 0–13`. */
function requestsText(brokers: ClusterAnswer['brokers']): string {
  const ranges = (brokers[0]?.requests ?? []).map(({ name, sent }) => {
    const taken = brokers.flatMap(({ requests }) => requests.filter((each) => each.name === name));
    const min = Math.max(...taken.map((each) => each.min));
    const max = Math.min(...taken.map((each) => each.max));
    return `${name} ${sent} of ${min}–${max}`;
  });
  const lines: string[] = [];
  for (let from = 0; from < ranges.length; from += REQUESTS_A_LINE) {
    lines.push(ranges.slice(from, from + REQUESTS_A_LINE).join(', '));
  }
  return `every request version that is sent is supported:\n${lines.join(',\n')}`;
}

/** A broker that expects TLS or a login closes other connections without a reason. */
function withSecurityInMind(verdict: Verdict, error: unknown): Verdict {
  if (!(error instanceof TallystreamError) || error.code !== 'LOG_UNAVAILABLE') return verdict;
  return {
    ...verdict,
    hint: 'A server accepts connections there, but does not answer like a broker. Check that it is a broker, that it is healthy, and that kafka.security_protocol matches its listener.',
  };
}

function hintOf(fault: Error | undefined): string {
  const code = fault !== undefined && 'code' in fault ? fault.code : undefined;
  switch (code) {
    case 'ECONNREFUSED':
      return 'No program listens there: start the broker (`make start-kafka` starts one on this machine), or correct the port.';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'The host name is unknown: check its spelling, and the DNS of this machine.';
    default:
      return 'Check the address, and whether a firewall blocks the connection.';
  }
}

function inMs(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
