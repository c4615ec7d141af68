/**
 * Members of a group by Kafka's wire alone, with no work of their own: what they measure is the group. Each has its
 * connection, and says to `settled` what it has whenever that changes.
 */
import {
  ConsumerGroupHeartbeat,
  type ConsumerGroupHeartbeatResponse,
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeEmbedded,
  encodeEmbedded,
  errorCodes,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  type Message,
  SyncGroup,
} from '../../lib/protocol/index.ts'
import { WireClient } from '../support/wire-client.ts'

export type GroupProtocol = 'classic' | 'consumer'

export interface MemberOptions {
  readonly port: number
  readonly groupId: string
  readonly topic: string
  readonly partitions: number
  /** Of classic members; others are told by the server. The Java client's default is 3,000. */
  readonly heartbeatMs: number
  readonly settled: SettledGroup
}

export interface GroupMember {
  /** Resolves with the time just before its first request went out. */
  start(): number
  /** Leaves the group, and closes the connection. */
  leave(): Promise<void>
}

/** Watches members until every one of them has an even part of the same generation (epoch), and each partition one owner. */
export class SettledGroup {
  readonly #partitions: number
  readonly #held = new Map<string, { generation: number; partitions: readonly number[] }>()
  #members = 0
  #waiting = Promise.withResolvers<number>()

  constructor(partitions: number) {
    this.#partitions = partitions
  }

  /** Resolves with the time at which the group of so many members was settled. */
  wait(members: number): Promise<number> {
    this.#members = members
    this.#waiting = Promise.withResolvers()
    this.#look()
    return this.#waiting.promise
  }

  has(memberId: string, generation: number, partitions: readonly number[]): void {
    this.#held.set(memberId, { generation, partitions })
    this.#look()
  }

  left(memberId: string): void {
    this.#held.delete(memberId)
    this.#look()
  }

  fail(error: unknown): void {
    this.#waiting.reject(error)
  }

  #look(): void {
    if (this.#held.size !== this.#members) return
    const least = Math.floor(this.#partitions / this.#members)
    if ([...this.#held.values()].some(({ partitions }) => partitions.length < least)) return
    const generations = new Set([...this.#held.values()].map(({ generation }) => generation))
    const owned = [...this.#held.values()].flatMap(({ partitions }) => partitions)
    const isWhole = owned.length === this.#partitions && new Set(owned).size === owned.length
    if (generations.size === 1 && isWhole) this.#waiting.resolve(performance.now())
  }
}

export async function connectMember(protocol: GroupProtocol, options: MemberOptions): Promise<GroupMember> {
  const client = await WireClient.connect(options.port)
  return protocol === 'classic' ? new ClassicMember(client, options) : new ConsumerMember(client, options)
}

/** Lets a sleep end early. */
class Pause {
  #wake = () => {}

  sleep(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  end(): void {
    this.#wake()
  }
}

abstract class Member implements GroupMember {
  protected readonly client: WireClient
  protected readonly options: MemberOptions
  protected readonly pause = new Pause()
  protected memberId = ''
  protected isLeaving = false
  #running = Promise.resolve()

  constructor(client: WireClient, options: MemberOptions) {
    this.client = client
    this.options = options
  }

  protected abstract run(): Promise<void>
  protected abstract goodbye(): Promise<void>

  start(): number {
    const startedAt = performance.now()
    this.#running = this.run().catch(error => this.options.settled.fail(error))
    return startedAt
  }

  async leave(): Promise<void> {
    this.isLeaving = true
    this.pause.end()
    await this.#running
    await this.goodbye()
    this.options.settled.left(this.memberId)
    this.client.end()
  }
}

class ClassicMember extends Member {
  #generation = -1

  protected async run(): Promise<void> {
    let mustJoin = true
    while (!this.isLeaving) {
      if (mustJoin) await this.#join()
      await this.pause.sleep(this.options.heartbeatMs)
      if (this.isLeaving) return
      const { errorCode } = await this.client.request(Heartbeat, 4, {
        groupId: this.options.groupId,
        generationId: this.#generation,
        memberId: this.memberId,
      })
      mustJoin = errorCode === errorCodes.REBALANCE_IN_PROGRESS || errorCode === errorCodes.ILLEGAL_GENERATION
      if (!mustJoin) check('Heartbeat', errorCode)
    }
  }

  async #join(): Promise<void> {
    const { groupId, topic, partitions, settled } = this.options
    while (true) {
      const joined = await this.client.request(JoinGroup, 9, {
        groupId,
        sessionTimeoutMs: 45_000,
        rebalanceTimeoutMs: 300_000,
        memberId: this.memberId,
        protocolType: 'consumer',
        protocols: [
          {
            name: 'range',
            metadata: encodeEmbedded(ConsumerProtocolSubscription, 0, { topics: [topic], userData: null }),
          },
        ],
      })
      this.memberId = joined.memberId
      if (joined.errorCode === errorCodes.MEMBER_ID_REQUIRED) continue
      check('JoinGroup', joined.errorCode)
      this.#generation = joined.generationId
      const synced = await this.client.request(SyncGroup, 5, {
        groupId,
        generationId: joined.generationId,
        memberId: this.memberId,
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: assignmentsOf(joined.members, topic, partitions),
      })
      if (synced.errorCode === errorCodes.REBALANCE_IN_PROGRESS) continue
      check('SyncGroup', synced.errorCode)
      const { assignedPartitions } = decodeEmbedded(ConsumerProtocolAssignment, synced.assignment)
      settled.has(
        this.memberId,
        joined.generationId,
        assignedPartitions.flatMap(of => of.partitions),
      )
      return
    }
  }

  protected async goodbye(): Promise<void> {
    const { errorCode } = await this.client.request(LeaveGroup, 5, {
      groupId: this.options.groupId,
      members: [{ memberId: this.memberId, groupInstanceId: null }],
    })
    check('LeaveGroup', errorCode)
  }
}

/** Everybody's part in turns; the list is empty for all but the leader. */
function assignmentsOf(members: readonly { memberId: string }[], topic: string, partitions: number) {
  return members.map(({ memberId }, index) => ({
    memberId,
    assignment: encodeEmbedded(ConsumerProtocolAssignment, 0, {
      assignedPartitions: [
        {
          topic,
          partitions: Array.from({ length: partitions }, (_, i) => i).filter(i => i % members.length === index),
        },
      ],
      userData: null,
    }),
  }))
}

type Owned = readonly { readonly topicId: string; readonly partitions: readonly number[] }[]

class ConsumerMember extends Member {
  #epoch = 0

  protected async run(): Promise<void> {
    const { topic, settled } = this.options
    this.memberId = crypto.randomUUID()
    let owned: Owned = []
    let says: Owned | null = []
    while (!this.isLeaving) {
      const answer: Message<typeof ConsumerGroupHeartbeatResponse> = await this.client.request(
        ConsumerGroupHeartbeat,
        1,
        {
          ...this.#beat(this.#epoch),
          rebalanceTimeoutMs: this.#epoch === 0 ? 300_000 : -1,
          subscribedTopicNames: this.#epoch === 0 ? [topic] : null,
          topicPartitions: says,
        },
      )
      check('ConsumerGroupHeartbeat', answer.errorCode)
      this.#epoch = answer.memberEpoch
      if (answer.assignment) owned = answer.assignment.topicPartitions
      settled.has(
        this.memberId,
        this.#epoch,
        owned.flatMap(({ partitions }) => partitions),
      )
      // As the Java client does: what it took, or gave up, it says at once.
      says = answer.assignment ? owned : null
      if (!says) await this.pause.sleep(answer.heartbeatIntervalMs)
    }
  }

  protected async goodbye(): Promise<void> {
    const { errorCode } = await this.client.request(ConsumerGroupHeartbeat, 1, this.#beat(-1))
    check('ConsumerGroupHeartbeat', errorCode)
  }

  #beat(memberEpoch: number) {
    return {
      groupId: this.options.groupId,
      memberId: this.memberId,
      memberEpoch,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: null,
    }
  }
}

function check(what: string, errorCode: number): void {
  if (errorCode !== 0) throw new Error(`${what} was answered with error ${errorCode}`)
}
