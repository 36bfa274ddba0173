// The settings of a broker that is its own controller, for one machine.

/** A value of 16 MiB, the most that Tallystream takes, with its key and headers. */
const RECORD_BYTES_MAX = 17 * 1024 * 1024;

/**
 * @param {{ port: number, controllerPort: number, dataFolder: string }} place
 * @param {Readonly<Record<string, string>>} extra replaces or adds settings
 * @returns {string} the text of server.properties
 */
export function serverProperties({ port, controllerPort, dataFolder }, extra = {}) {
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    // A properties file takes a backslash for the start of an escape.
    'log.dirs': dataFolder.replaceAll('\\', '/'),
    // A misspelt topic is an error and not a new topic.
    'auto.create.topics.enable': 'false',
    'default.replication.factor': '1',
    'min.insync.replicas': '1',
    // As the embedded log does, nothing is removed unless somebody asks for it.
    'log.retention.ms': '-1',
    'message.max.bytes': String(RECORD_BYTES_MAX),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // After a kill the controller keeps the name for the broker that is gone, 9 s by default, before it takes a new one.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // The default takes a quarter of the heap.
    'log.cleaner.dedupe.buffer.size': String(16 * 1024 * 1024),
    ...extra,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return `# Written anew at every start by scripts/kafka.\n${lines.join('\n')}\n`;
}
