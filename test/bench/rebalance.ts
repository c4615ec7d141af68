/**
 * How long a group of many members takes to settle: from the last request of who changed it until every member has its part
 * of one generation, and every partition an owner. The broker's wait for more members of an empty classic group
 * (`group.initial.rebalance.delay.ms`) is in it.
 */
import { Kafka, logLevel } from 'kafkajs'
import { errorCodes, FindCoordinator, Heartbeat } from '../../lib/protocol/index.ts'
import { WireClient } from '../support/wire-client.ts'
import { connectMember, type GroupMember, type GroupProtocol, SettledGroup } from './group-members.ts'
import { type Measurement, percentile } from './measurement.ts'

export interface RebalanceRun {
  readonly bootstrap: string
  readonly topic: string
  readonly partitions: number
  readonly members: number
  /** Rebalances that are measured, one after the other, each with a group of its own. */
  readonly times: number
}

const classicHeartbeatMs = 3_000
const coordinatorAttemptsMax = 100

/** All members join at once. */
export function measureForming(protocol: GroupProtocol, run: RebalanceRun): Promise<Measurement> {
  return repeat(run, async groupId => {
    const group = await openGroup(protocol, run, groupId)
    const settled = group.watch.wait(run.members)
    const startedAt = group.members.map(member => member.start()).at(-1)!
    const ms = (await settled) - startedAt
    await leaveAll(group.members)
    return ms
  })
}

/** The last member joins a group of all the others that has settled. */
export function measureJoining(protocol: GroupProtocol, run: RebalanceRun): Promise<Measurement> {
  return repeat(run, async groupId => {
    const group = await openGroup(protocol, run, groupId)
    const before = group.watch.wait(run.members - 1)
    for (const member of group.members.slice(1)) member.start()
    await before
    const settled = group.watch.wait(run.members)
    const startedAt = group.members[0]!.start()
    const ms = (await settled) - startedAt
    await leaveAll(group.members)
    return ms
  })
}

/** All members join at once, and are KafkaJS's consumers, in this process. */
export function measureFormingOfKafkaJs(run: RebalanceRun): Promise<Measurement> {
  return repeat(run, async groupId => {
    const watch = new SettledGroup(run.partitions)
    const kafka = new Kafka({ clientId: 'bench', brokers: [run.bootstrap], logLevel: logLevel.NOTHING })
    const consumers = Array.from({ length: run.members }, () => kafka.consumer({ groupId }))
    for (const consumer of consumers) {
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        // It does not tell the generation. One that has joined a later one has told of it.
        watch.has(payload.memberId, 0, payload.memberAssignment[run.topic] ?? [])
      })
    }
    await Promise.all(
      consumers.map(async consumer => {
        await consumer.connect()
        await consumer.subscribe({ topic: run.topic })
      }),
    )
    const settled = watch.wait(run.members)
    const startedAt = performance.now()
    await Promise.all(consumers.map(consumer => consumer.run({ eachBatch: async () => {} })))
    const ms = (await settled) - startedAt
    await Promise.all(consumers.map(consumer => consumer.disconnect()))
    return ms
  })
}

interface OpenGroup {
  readonly watch: SettledGroup
  readonly members: readonly GroupMember[]
}

/** Connected, not joined. */
async function openGroup(protocol: GroupProtocol, run: RebalanceRun, groupId: string): Promise<OpenGroup> {
  const { bootstrap, topic, partitions } = run
  const watch = new SettledGroup(partitions)
  const port = Number(bootstrap.split(':')[1])
  const options = { port, groupId, topic, partitions, heartbeatMs: classicHeartbeatMs, settled: watch }
  await untilCoordinated(port, groupId)
  const members = await Promise.all(Array.from({ length: run.members }, () => connectMember(protocol, options)))
  return { watch, members }
}

/** A Kafka that has not had a group yet makes its topic of offsets first. */
async function untilCoordinated(port: number, groupId: string): Promise<void> {
  const client = await WireClient.connect(port)
  for (let attempt = 0; attempt < coordinatorAttemptsMax; attempt++) {
    const { coordinators } = await client.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] })
    const found = coordinators[0]!.errorCode === 0
    const beat = found && (await client.request(Heartbeat, 4, { groupId, generationId: 0, memberId: 'nobody' }))
    if (beat && beat.errorCode === errorCodes.UNKNOWN_MEMBER_ID) return client.end()
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`group ${groupId} has no coordinator`)
}

async function leaveAll(members: readonly GroupMember[]): Promise<void> {
  await Promise.all(members.map(member => member.leave()))
}

async function repeat(run: RebalanceRun, measure: (groupId: string) => Promise<number>): Promise<Measurement> {
  const times: number[] = []
  for (let i = 0; i < run.times; i++) times.push(await measure(`${run.topic}-${i}`))
  return { p50: percentile(times, 50), p95: percentile(times, 95), p99: percentile(times, 99) }
}
