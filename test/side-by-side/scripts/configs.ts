import { kafkaBrokerConfigs } from '../../../lib/broker/kafka-broker-configs.ts'
import {
  AlterConfigs,
  DescribeConfigs,
  IncrementalAlterConfigs,
  ListConfigResources,
} from '../../../lib/protocol/index.ts'
import { untilThere } from '../patience.ts'
import { createTopics } from '../requests.ts'
import { everyVersion, goOn, script } from '../script.ts'
import type { Transcript } from '../transcript.ts'

const [set, del, append, subtract] = [0, 1, 2, 3]
const topic = 2
const broker = 4
const logger = 8
const metrics = 16
const group = 32

type Operation = readonly [name: string, operation: number | undefined, value: string | null]

function alter(resourceType: number, resourceName: string, operations: readonly Operation[], validateOnly = false) {
  const configs = operations.map(([name, operation, value]) => ({ name, configOperation: operation ?? 0, value }))
  return { resources: [{ resourceType, resourceName, configs }], validateOnly }
}

function describe(resourceType: number, resourceName: string, configurationKeys: string[] | null) {
  return {
    resources: [{ resourceType, resourceName, configurationKeys }],
    includeSynonyms: true,
    includeDocumentation: false,
  }
}

/** Kafka tells of a change a little later, so what was changed is asked for until it is told. */
async function describeChanged(
  transcript: Transcript,
  place: readonly [type: number, name: string, config: string],
  value: string,
): Promise<void> {
  const [resourceType, resourceName, name] = place
  const request = describe(resourceType, resourceName, [name])
  await untilThere(`${name}=${value}`, async () => {
    const { results } = await transcript.prepare(DescribeConfigs, 4, request)
    return results[0]!.configs[0]?.value === value ? true : undefined
  })
  await transcript.ask(DescribeConfigs, 4, request)
}

/** What the Kafka of these tests is not started with, and Varve has not settled otherwise. */
const brokerConfigs = [...kafkaBrokerConfigs.keys()].filter(
  name =>
    !/listener|^broker\.\w+\.|quorum\.voters|topic\.(num|min|repl)|state\.log\.(num|min|repl)|\.dirs$|rebalance|\.min\.heart|^num\.part/.test(
      name,
    ),
)

const topicFlaws: readonly Operation[] = [
  ['nope', set, '5'],
  ['nope', del, null],
  ['retention.ms', set, 'x'],
  ['retention.ms', set, ''],
  ['retention.ms', set, '-5'],
  ['retention.ms', set, '1.5'],
  ['retention.ms', set, '9223372036854775808'],
  ['retention.ms', set, null],
  ['retention.ms', append, '5'],
  ['retention.ms', subtract, '5'],
  ['retention.ms', del, 'x'],
  ['segment.bytes', set, '5'],
  ['segment.bytes', set, '99999999999'],
  ['max.message.bytes', set, '-1'],
  ['preallocate', set, 'x'],
  ['preallocate', set, 'TRUE'],
  ['message.timestamp.type', set, 'x'],
  ['compression.type', set, 'x'],
  ['compression.gzip.level', set, '0'],
  ['compression.gzip.level', set, '10'],
  ['compression.lz4.level', set, '99'],
  ['compression.zstd.level', set, '99'],
  ['cleanup.policy', set, 'x'],
  ['cleanup.policy', set, 'delete,'],
  ['cleanup.policy', append, 'x'],
  ['cleanup.policy', append, null],
  ['cleanup.policy', subtract, 'x'],
  ['min.cleanable.dirty.ratio', set, '7'],
  ['min.cleanable.dirty.ratio', set, '-1'],
  ['min.cleanable.dirty.ratio', set, 'x'],
  ['min.insync.replicas', set, '0'],
  ['remote.storage.enable', set, 'true'],
  ['local.retention.ms', set, '-3'],
  ['max.compaction.lag.ms', set, '0'],
  ['leader.replication.throttled.replicas', set, 'x'],
  ['leader.replication.throttled.replicas', set, '*'],
  ['leader.replication.throttled.replicas', set, '0:1,1:1'],
  ['message.timestamp.before.max.ms', set, '-1'],
  ['message.timestamp.after.max.ms', set, '-1'],
  ['delete.retention.ms', set, '-1'],
  ['segment.ms', set, '0'],
  ['flush.messages', set, '0'],
]

const groupFlaws: readonly Operation[] = [
  ['nope', set, '5'],
  ['retention.ms', set, '5'],
  ['consumer.session.timeout.ms', set, '5'],
  ['consumer.session.timeout.ms', set, '-5'],
  ['consumer.session.timeout.ms', set, '5000000'],
  ['consumer.session.timeout.ms', set, 'x'],
  ['consumer.session.timeout.ms', append, '5'],
  ['consumer.heartbeat.interval.ms', set, '60000'],
  ['consumer.assignment.interval.ms', set, '-1'],
  ['consumer.assignment.interval.ms', set, '999999'],
  ['share.auto.offset.reset', set, 'x'],
  ['share.auto.offset.reset', set, 'earliest'],
  ['share.auto.offset.reset', set, 'by_duration:PT1H'],
  ['share.auto.offset.reset', set, 'by_duration:P1DT2H3M4.5S'],
  ['share.auto.offset.reset', set, 'by_duration:x'],
  ['share.auto.offset.reset', set, 'by_duration:PT'],
  ['share.auto.offset.reset', set, 'by_duration:-PT1H'],
  ['share.record.lock.duration.ms', set, '1'],
  ['share.record.lock.duration.ms', set, '99999999'],
  ['share.delivery.count.limit', set, '1'],
  ['share.delivery.count.limit', set, '999'],
  ['share.partition.max.record.locks', set, '1'],
  ['share.partition.max.record.locks', set, '999999'],
  ['share.isolation.level', set, 'x'],
  ['share.renew.acknowledge.enable', set, 'x'],
  ['streams.num.standby.replicas', set, '-1'],
  ['streams.num.standby.replicas', set, '99'],
  ['streams.initial.rebalance.delay.ms', set, '-1'],
  ['streams.assignor.name', set, 'x'],
  ['streams.rack.aware.assignment.tags', set, 'a,a'],
  ['streams.rack.aware.assignment.tags', append, 'a'],
  ['errors.deadletterqueue.topic.name', set, '__x'],
  ['errors.deadletterqueue.copy.record.enable', set, 'x'],
]

const metricsFlaws: readonly Operation[] = [
  ['nope', set, '5'],
  ['interval.ms', set, '5'],
  ['interval.ms', set, 'x'],
  ['interval.ms', set, '5000000'],
  ['match', set, 'zzz'],
  ['match', set, 'zzz=1'],
  ['match', set, 'client_id=['],
  ['match', set, 'client_id=a.*,client_software_name=b'],
  ['metrics', append, 'b'],
  ['metrics', set, '*'],
]

export const configScripts = [
  script('changes of topic configs', async transcript => {
    await createTopics(transcript, { name: 'altered' })
    await everyVersion(transcript, IncrementalAlterConfigs, () =>
      alter(topic, 'altered', [['retention.ms', set, '50000']]),
    )
    await describeChanged(transcript, [topic, 'altered', 'retention.ms'], '50000')
    await transcript.ask(IncrementalAlterConfigs, 1, alter(topic, 'altered', [['cleanup.policy', append, 'compact']]))
    await describeChanged(transcript, [topic, 'altered', 'cleanup.policy'], 'delete,compact')
    await transcript.ask(IncrementalAlterConfigs, 1, alter(topic, 'altered', [['cleanup.policy', append, 'compact']]))
    await transcript.ask(IncrementalAlterConfigs, 1, alter(topic, 'altered', [['cleanup.policy', subtract, 'delete']]))
    await describeChanged(transcript, [topic, 'altered', 'cleanup.policy'], 'compact')
    await transcript.ask(IncrementalAlterConfigs, 1, alter(topic, 'altered', [['cleanup.policy', subtract, 'compact']]))
    await describeChanged(transcript, [topic, 'altered', 'cleanup.policy'], '')
    await transcript.ask(IncrementalAlterConfigs, 1, alter(topic, 'altered', [['retention.ms', del, null]]))
    await describeChanged(transcript, [topic, 'altered', 'retention.ms'], '604800000')
    const both: Operation[] = [
      ['segment.ms', set, '5'],
      ['flush.ms', set, '6'],
    ]
    await transcript.ask(IncrementalAlterConfigs, 1, alter(topic, 'altered', both))
    await describeChanged(transcript, [topic, 'altered', 'flush.ms'], '6')
    await everyVersion(transcript, AlterConfigs, () => ({
      resources: [{ resourceType: topic, resourceName: 'altered', configs: [{ name: 'flush.ms', value: '7' }] }],
      validateOnly: false,
    }))
    await describeChanged(transcript, [topic, 'altered', 'flush.ms'], '7')
    await transcript.ask(DescribeConfigs, 4, describe(topic, 'altered', ['segment.ms', 'cleanup.policy']))
  }),
  ...(
    [
      ['topic', topic, topicFlaws],
      ['group', group, groupFlaws],
      ['client metrics', metrics, metricsFlaws],
    ] as const
  ).map(([kind, type, operations]) =>
    script(`values of ${kind} configs`, async transcript => {
      await createTopics(transcript, { name: `checked-${type}` })
      for (const operation of operations) {
        for (const version of [0, 1]) {
          const request = alter(type, `checked-${type}`, [operation], true)
          await transcript.ask(IncrementalAlterConfigs, version, request).catch(goOn)
        }
      }
    }),
  ),
  script('changes that contradict themselves', async transcript => {
    await createTopics(transcript, { name: 'contradicted' })
    const ask = (operations: readonly Operation[]) =>
      everyVersion(transcript, IncrementalAlterConfigs, () => alter(topic, 'contradicted', operations, true))
    await ask([])
    await ask([
      ['retention.ms', set, '5'],
      ['retention.ms', set, '6'],
    ])
    await ask([
      ['retention.ms', set, '5'],
      ['retention.ms', del, null],
    ])
    await ask([
      ['nope', set, '5'],
      ['retention.ms', set, 'x'],
    ])
    await ask([
      ['min.compaction.lag.ms', set, '10'],
      ['max.compaction.lag.ms', set, '5'],
    ])
    await ask([
      ['retention.ms', set, null],
      ['segment.ms', set, null],
    ])
    const twice = alter(topic, 'contradicted', [['retention.ms', set, '5']]).resources
    const resources = [...twice, ...twice]
    await everyVersion(transcript, IncrementalAlterConfigs, () => ({ resources, validateOnly: true }))
    await everyVersion(transcript, IncrementalAlterConfigs, () => ({ resources: [], validateOnly: true }))
  }),
  script('resources that cannot be altered', async transcript => {
    const one: Operation[] = [['retention.ms', set, '5']]
    for (const [type, name] of [
      [topic, 'nope'],
      [topic, 'a b'],
      [topic, ''],
      [group, ''],
      [metrics, ''],
      [99, 'x'],
      [0, 'x'],
    ] as const) {
      await everyVersion(transcript, IncrementalAlterConfigs, () => alter(type, name, one))
    }
    for (const name of ['7', 'x']) {
      await everyVersion(transcript, IncrementalAlterConfigs, () => alter(broker, name, one))
      await everyVersion(transcript, IncrementalAlterConfigs, () => alter(logger, name, [['root', set, 'INFO']]))
    }
    await transcript.ask(IncrementalAlterConfigs, 1, alter(broker, '1', [['node.id', set, '2']]))
    // kafka-reassign-partitions does so at the end of each --verify.
    const throttles = [
      'leader.replication.throttled.rate',
      'follower.replication.throttled.rate',
      'log.cleaner.threads',
    ]
    for (const name of ['1', '']) {
      for (const value of ['1000', '0', '-1', 'x', '', null]) {
        await transcript.ask(IncrementalAlterConfigs, 1, alter(broker, name, [[throttles[0]!, set, value]]))
      }
      await describeChanged(transcript, [broker, name, throttles[0]!], '0')
      await everyVersion(transcript, IncrementalAlterConfigs, () =>
        alter(
          broker,
          name,
          throttles.map(throttle => [throttle, del, null]),
        ),
      )
      await transcript.ask(IncrementalAlterConfigs, 1, alter(broker, name, [['node.id', del, null]]))
    }
    await transcript.ask(
      IncrementalAlterConfigs,
      1,
      alter(broker, '1', [
        ['node.id', set, '2'],
        ['log.dirs', set, 'x'],
      ]),
    )
    await transcript.ask(IncrementalAlterConfigs, 1, alter(logger, '1', [['nope', set, 'INFO']]))
    for (const [type, name] of [
      [topic, 'nope'],
      [topic, ''],
      [logger, '1'],
      [99, 'x'],
    ] as const) {
      await everyVersion(transcript, AlterConfigs, () => ({
        resources: [{ resourceType: type, resourceName: name, configs: [{ name: 'retention.ms', value: '5' }] }],
        validateOnly: true,
      }))
    }
  }),
  script('AlterConfigs that cannot be', async transcript => {
    await createTopics(transcript, { name: 'set-anew' })
    const ask = (configs: { name: string; value: string | null }[]) =>
      everyVersion(transcript, AlterConfigs, () => ({
        resources: [{ resourceType: topic, resourceName: 'set-anew', configs }],
        validateOnly: true,
      }))
    await ask([])
    await ask([{ name: 'retention.ms', value: null }])
    await ask([{ name: 'nope', value: '1' }])
    await ask([{ name: 'retention.ms', value: 'x' }])
    await ask([
      { name: 'retention.ms', value: '1' },
      { name: 'retention.ms', value: '2' },
    ])
    await everyVersion(transcript, AlterConfigs, () => ({ resources: [], validateOnly: true }))
  }),
  script('DescribeConfigs', async transcript => {
    await createTopics(transcript, { name: 'described', configs: { 'retention.ms': '5', 'segment.ms': '7' } })
    await everyVersion(transcript, DescribeConfigs, () => describe(topic, 'described', null))
    await everyVersion(transcript, DescribeConfigs, () => ({
      ...describe(topic, 'described', ['retention.ms', 'nope', 'retention.ms']),
      includeSynonyms: false,
    }))
    await everyVersion(transcript, DescribeConfigs, () => describe(topic, 'described', []))
    await everyVersion(transcript, DescribeConfigs, () => describe(group, 'some-group', null))
    await everyVersion(transcript, DescribeConfigs, () => describe(metrics, 'some-subscription', null))
    for (const [type, name] of [
      [topic, 'nope'],
      [topic, 'a b'],
      [topic, ''],
      [broker, '7'],
      [broker, 'x'],
      [logger, '7'],
      [logger, ''],
      [logger, 'x'],
      [group, ''],
      [metrics, ''],
      [99, 'x'],
      [0, ''],
    ] as const) {
      await everyVersion(transcript, DescribeConfigs, () => describe(type, name, null))
    }
    const resources = [
      ...describe(topic, 'described', ['retention.ms']).resources,
      ...describe(99, 'x', null).resources,
    ]
    await transcript.ask(DescribeConfigs, 4, { resources, includeSynonyms: false, includeDocumentation: false })
    await transcript.ask(DescribeConfigs, 4, { resources: [], includeSynonyms: false, includeDocumentation: false })
    await everyVersion(transcript, DescribeConfigs, () => describe(broker, '1', brokerConfigs))
  }),
  script('configs of groups and metrics', async transcript => {
    await transcript.ask(
      IncrementalAlterConfigs,
      1,
      alter(group, 'set-group', [['consumer.session.timeout.ms', set, '50000']]),
    )
    await describeChanged(transcript, [group, 'set-group', 'consumer.session.timeout.ms'], '50000')
    await transcript.ask(IncrementalAlterConfigs, 1, alter(metrics, 'set-metrics', [['metrics', set, 'org.apache']]))
    await describeChanged(transcript, [metrics, 'set-metrics', 'metrics'], 'org.apache')
    await everyVersion(transcript, ListConfigResources, () => ({ resourceTypes: [] }))
    for (const resourceTypes of [[2], [4], [8], [16], [32], [2, 32], [2, 2], [0], [99], [2, 99]]) {
      await transcript.ask(ListConfigResources, 1, { resourceTypes })
    }
    await transcript.ask(
      IncrementalAlterConfigs,
      1,
      alter(group, 'set-group', [['consumer.session.timeout.ms', del, null]]),
    )
    await transcript.ask(IncrementalAlterConfigs, 1, alter(metrics, 'set-metrics', [['metrics', del, null]]))
    await describeChanged(transcript, [metrics, 'set-metrics', 'metrics'], '')
    await describeChanged(transcript, [group, 'set-group', 'consumer.session.timeout.ms'], '45000')
    await transcript.ask(ListConfigResources, 1, { resourceTypes: [16, 32] })
  }),
]
