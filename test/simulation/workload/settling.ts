/** After the healing every transaction comes to its end, whoever began it, and nothing is held back from readers. */
import type { Topic } from '../../../lib/log/index.ts'
import { Client, type Scene } from './client.ts'
import { OFFSETS_GROUP } from './transactors.ts'

const LOOK_MS = 1_000
/** Upkeep passes by all transactional ids once an hour; who waits for that here need not wait so long. */
const LOOKS_TO_PASS = 60

const underWay = new Set(['Ongoing', 'PrepareCommit', 'PrepareAbort'])

/** Until no transaction is under way, and each partition is stable up to its end. */
export async function settleTransactions(scene: Scene, topics: readonly Topic[]): Promise<void> {
  const client = new Client(scene, 'settler')
  for (let looks = 1; ; looks++) {
    if (looks % LOOKS_TO_PASS === 0)
      await client.insist('pass by', ({ transactions }) => transactions.takeOver(() => true))
    const described = await client.insist('list transactions', ({ transactions }) => transactions.list(() => true))
    const isQuiet = !described.some(({ state }) => underWay.has(state))
    if (isQuiet && (await areStable(client, topics)) && (await areOffsetsStable(client))) return
    client.reconnect()
    await scene.world.sleep(LOOK_MS)
  }
}

async function areStable(client: Client, topics: readonly Topic[]): Promise<boolean> {
  for (const topic of topics) {
    for (let partition = 0; partition < topic.partitions; partition++) {
      const [stable, end] = await client.insist(`ends of ${topic.name}/${partition}`, async ({ log }) => [
        await log.findOffset(topic, partition, { at: 'latest', isolation: 'read_committed' }),
        await log.findOffset(topic, partition, { at: 'latest', isolation: 'read_uncommitted' }),
      ])
      if (stable?.offset !== end?.offset) return false
    }
  }
  return true
}

async function areOffsetsStable(client: Client): Promise<boolean> {
  const committed = await client.insist('fetch all offsets', ({ groups }) =>
    groups.fetchOffsets({ groupId: OFFSETS_GROUP, partitions: undefined, requireStable: true }),
  )
  return committed.every(({ error }) => error === undefined)
}
