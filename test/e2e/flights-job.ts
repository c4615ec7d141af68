import { Admin } from '@platformatic/kafka'
import { afterAll, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest'
import { describeWith } from '../support/requirement.ts'
import { type FlightRecord, flightRecords } from './flight-records.ts'
import { GroupMembers } from './group-members.ts'
import { type Ack, type ClientName, clientRequirement, createPublisher } from './publishers.ts'
import { expectAcksKept, expectEachOnce, expectKeyOrder, readContents } from './topic-contents.ts'

/** The server, or servers over the same stores, that the job runs on. */
export interface Cluster {
  /** HOST:PORT, of several servers with commas between them. */
  readonly bootstrap: string
  start(): Promise<unknown>
  /** kill -9 of a server, and its start; resolves when it serves again. */
  crash(): Promise<unknown>
  stop(): Promise<unknown>
  /** What its processes wrote, for the message of a failure. */
  output(): string
}

const clients: readonly ClientName[] = ['KafkaJS', '@platformatic/kafka', 'kcat']
const partitions = 8
const jobTimeoutMs = 400_000
const pollMs = 100

/** The main job on real input, in any environment: flights are published and read by a group, and nothing goes wrong. */
export function describeFlightsJob(environment: string, createCluster: () => Promise<Cluster>): void {
  describe(`flights on ${environment}`, () => {
    let cluster: Cluster
    beforeEach(({ onTestFailed }) => {
      onTestFailed(() => console.error(`the server said:\n${cluster.output()}`))
    })
    beforeAll(async () => {
      cluster = await createCluster()
      await cluster.start()
    })
    afterAll(() => cluster?.stop())

    describe.concurrent('in calm', () => {
      for (const client of clients) {
        describeWith(clientRequirement(client), client, () => {
          const name = 'publishes 20,000 flights; a group whose members come and go reads each'
          test(name, { timeout: jobTimeoutMs }, ({ onTestFailed }) => runCalmJob({ cluster, client, onTestFailed }))
        })
      }
    })

    const name = 'with kill -9 again and again nothing acknowledged is lost, doubled or moved'
    test(name, { timeout: jobTimeoutMs }, ({ onTestFailed }) => runCrashJob({ cluster, onTestFailed }))
  })
}

interface Job {
  readonly cluster: Cluster
  readonly onTestFailed: TestContext['onTestFailed']
}

async function runCalmJob({ cluster, client, onTestFailed }: Job & { readonly client: ClientName }): Promise<void> {
  const { bootstrap } = cluster
  const topic = `flights-${client.replaceAll(/\W/g, '')}`
  const group = `${topic}-readers`
  const flights = await flightRecords(20_000)
  const later = await flightRecords(100, flights.length)
  await createTopic(bootstrap, topic)
  const members = watchedMembers({ client, bootstrap, topic, group }, onTestFailed)
  const publisher = await createPublisher(client, bootstrap, topic)
  const acks: Ack[] = []
  const publish = (from: number, to: number) => publisher.publish(flights.slice(from, to), ack => acks.push(ack))

  for (const name of ['first', 'second', 'third']) members.start(name)
  await members.balanced(partitions)
  await publish(0, 8_000)
  await members.deliveries.covers(8_000)
  // kcat commits by itself and may commit what it did not yet print, so it must not die with records under way.
  const publishing = client === 'kcat' ? undefined : publish(8_000, 14_000)
  if (publishing) await members.deliveries.covers(8_500)
  await members.kill('second')
  await (publishing ?? publish(8_000, 14_000))
  members.start('fourth')
  await publish(14_000, 20_000)
  await publisher.close()
  await members.deliveries.covers(20_000)
  await members.balanced(partitions)
  await committedAll(bootstrap, group, flights.length)
  await members.stop()

  const stored = await readContents(bootstrap, topic)
  expectEachOnce(stored, flights)
  expectKeyOrder(stored)
  expectAcksKept(stored, acks)
  expect(members.deliveries.broken).toEqual([])
  expect(await committedOffsets(bootstrap, group)).toEqual(endOffsets(stored))
  await expectResumed({ cluster, client, onTestFailed, topic, group, later })
}

/** A member that joins when all is committed is given what comes later, and nothing else. */
async function expectResumed(
  options: Job & { client: ClientName; topic: string; group: string; later: readonly FlightRecord[] },
): Promise<void> {
  const { client, topic, group, later, onTestFailed } = options
  const { bootstrap } = options.cluster
  const members = watchedMembers({ client, bootstrap, topic, group }, onTestFailed)
  members.start('late')
  await members.balanced(partitions)
  const publisher = await createPublisher(client, bootstrap, topic)
  await publisher.publish(later)
  await publisher.close()
  await members.deliveries.covers(later.length)
  await members.stop()
  expect([...members.deliveries.ids].sort((a, b) => a - b)).toEqual(later.map(({ id }) => id))
  expect(members.deliveries.redelivered).toBe(0)
}

const crashes = 6
const flightsPerCrash = 1_500

async function runCrashJob({ cluster, onTestFailed }: Job): Promise<void> {
  const { bootstrap } = cluster
  const topic = 'flights-through-crashes'
  const publishing = clients.filter(client => clientRequirement(client).missing === undefined)
  const perClient = crashes * flightsPerCrash
  // Ids of one publisher rise; those of one are far from another's. Keys carry the publisher, whose order is the one kept.
  const flights = await Promise.all(
    publishing.map(async (client, index) =>
      (await flightRecords(perClient, index * perClient)).map(record => ({
        ...record,
        key: `${record.key} ${client}`,
      })),
    ),
  )
  const all = flights.flat()
  await createTopic(bootstrap, topic)
  const publishers = await Promise.all(publishing.map(client => createPublisher(client, bootstrap, topic)))
  const groups = (['KafkaJS', '@platformatic/kafka'] as const).map(client =>
    watchedMembers({ client, bootstrap, topic, group: `${topic}-${client.replaceAll(/\W/g, '')}` }, onTestFailed),
  )
  for (const members of groups) for (const name of ['first', 'second', 'third']) members.start(name)
  await Promise.all(groups.map(members => members.balanced(partitions)))

  const acks: Ack[] = []
  for (let crash = 0; crash < crashes; crash++) {
    const underWay = Promise.withResolvers<void>()
    const acksBefore = 1 + crash * 2
    let acked = 0
    const onAck = (ack: Ack) => {
      acks.push(ack)
      if (++acked === acksBefore) underWay.resolve()
    }
    const range = [crash * flightsPerCrash, (crash + 1) * flightsPerCrash] as const
    const sent = Promise.all(
      publishers.map((publisher, index) => publisher.publish(flights[index]!.slice(...range), onAck)),
    )
    await Promise.race([underWay.promise, sent])
    await cluster.crash()
    if (crash === 1) await Promise.all(groups.map(members => members.kill('second')))
    if (crash === 3) for (const members of groups) members.start('fourth')
    await sent
  }
  await Promise.all(publishers.map(publisher => publisher.close()))
  await Promise.all(groups.map(members => members.deliveries.covers(all.length)))
  await Promise.all(groups.map(members => members.balanced(partitions)))
  await Promise.all(groups.map(members => members.stop()))

  const stored = await readContents(bootstrap, topic)
  expectEachOnce(stored, all)
  expectKeyOrder(stored)
  expectAcksKept(stored, acks)
  for (const members of groups) expect(members.deliveries.broken).toEqual([])
}

/** When the test fails, it says how far the group came and what its members said. */
function watchedMembers(
  options: ConstructorParameters<typeof GroupMembers>[0],
  onTestFailed: TestContext['onTestFailed'],
): GroupMembers {
  const members = new GroupMembers(options)
  onTestFailed(async () => {
    const { ids, history } = members.deliveries
    console.error(`group ${options.group} was given ${ids.size} records\n${history.join('\n')}\n${members.said}`)
    await members.stop()
  })
  return members
}

async function createTopic(bootstrap: string, topic: string): Promise<void> {
  await withAdmin(bootstrap, admin => admin.createTopics({ topics: [topic], partitions }))
}

async function committedOffsets(bootstrap: string, group: string): Promise<Map<number, number>> {
  const groups = await withAdmin(bootstrap, admin => admin.listConsumerGroupOffsets({ groups: [group] }))
  const committed = groups.flatMap(({ topics }) => topics).flatMap(topic => topic.partitions)
  return new Map(
    committed
      .map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)] as const)
      .sort(([a], [b]) => a - b),
  )
}

/** Resolves when the group has committed `records` records. */
async function committedAll(bootstrap: string, group: string, records: number): Promise<void> {
  const sum = async () => [...(await committedOffsets(bootstrap, group)).values()].reduce((a, b) => a + b, 0)
  while ((await sum()) !== records) await new Promise(resolve => setTimeout(resolve, pollMs))
}

/** Of the partitions that have records. */
function endOffsets(stored: readonly { readonly partition: number; readonly offset: number }[]): Map<number, number> {
  const ends = Map.groupBy(stored, record => record.partition)
  return new Map(
    [...ends].map(([partition, records]) => [partition, records.length] as const).sort(([a], [b]) => a - b),
  )
}

async function withAdmin<T>(bootstrap: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: 'e2e', bootstrapBrokers: bootstrap.split(',') })
  try {
    return await work(admin)
  } finally {
    await admin.close()
  }
}
