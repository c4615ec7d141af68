/**
 * Which gateways live. Each holds a node id, the lowest free integer from 1, by an item that it claims by CAS and
 * rewrites while it lives; a gateway whose item has not changed for a while on the reader's own monotonic clock counts
 * as dead. An item with my own address is my dead predecessor's: its node id is taken over at once.
 *
 * What is known here is a preference, never a lock: two gateways that disagree for a time do no harm.
 */
import { type Clock, drawToken, InvariantError, type Logger, type Random } from '../base/index.ts'
import { type Item, type ItemStore, StoreError, type Version } from '../storage/index.ts'
import type { Cluster, Gateway } from './cluster.ts'
import { ensureClusterId } from './cluster-id.ts'
import { decodeGateway, encodeGateway, gatewayKey, gatewaysPartition } from './gateway-item.ts'
import { chooseNode } from './rendezvous.ts'

export const renewalMs = 5_000
export const renewalRetryMs = 1_000
export const discoveryMs = 10_000
/** The first look after the start, to learn of gateways that started at the same time. */
export const firstDiscoveryMs = 1_000
/** A gateway whose item does not change for this long is dead. */
export const silenceMs = 12_000
/** An item that does not change for this long is removed, so that its node id is free again. */
export const removalMs = 60_000
const claimAttemptsMax = 1_000
const uncertainMax = 64

export interface GatewaysOptions {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly advertised: { readonly host: string; readonly port: number; readonly rack: string | null }
}

interface Sighting {
  readonly gateway: Gateway
  readonly version: Version
  /** My monotonic clock when this version was first seen. */
  readonly since: number
  readonly live: boolean
}

export class Gateways implements Cluster {
  readonly clusterId: string
  readonly #options: GatewaysOptions
  readonly #closing = new AbortController()
  #nodeId = 0
  #version: Version = 0
  /** Versions that I drew and whose write had no answer: they may be in the item, or may still come to be. */
  readonly #uncertain = new Set<Version>()
  #sightings = new Map<number, Sighting>()
  #live: readonly Gateway[] = []
  #loops: Promise<unknown> = Promise.resolve()

  private constructor(options: GatewaysOptions, clusterId: string) {
    this.#options = options
    this.clusterId = clusterId
  }

  /** Claims a node id and keeps it until `close`. @throws StoreError where the store does not answer. */
  static async join(options: GatewaysOptions): Promise<Gateways> {
    const gateways = new Gateways(options, await ensureClusterId(options.items, options.random))
    await gateways.#claim({ takeOver: true })
    await gateways.#discover()
    gateways.#loops = Promise.all([gateways.#keepRenewing(), gateways.#keepDiscovering()])
    return gateways
  }

  get nodeId(): number {
    return this.#nodeId
  }

  gateways(): readonly Gateway[] {
    return this.#live
  }

  leaderOf(topicId: string, shard: number): Gateway {
    return this.#choose(`${topicId}/${shard}`)
  }

  coordinatorOf(key: string): Gateway {
    return this.#choose(key)
  }

  /** Gives the node id back, so that the others know at once. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#loops
    const { items, logger } = this.#options
    try {
      await items.write([{ kind: 'delete', key: gatewayKey(this.#nodeId), expected: this.#version }])
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      logger.warn('gateway item not removed', { nodeId: this.#nodeId, code: error.code })
    }
  }

  #choose(key: string): Gateway {
    const chosen = chooseNode(key, this.#live)
    if (!chosen) throw new InvariantError('no live gateway, not even this one')
    return chosen
  }

  /** Takes the node id of a dead predecessor (`takeOver`), or else the lowest that nobody has. */
  async #claim(options: { takeOver: boolean }): Promise<void> {
    const { items, random, advertised } = this.#options
    for (let attempt = 0; attempt < claimAttemptsMax; attempt++) {
      const present = await this.#readAll()
      const mine = [...present.values()].find(item => this.#uncertain.has(item.version))
      if (mine) return this.#hold(decodeGateway(mine).nodeId, mine.version)
      const predecessor = options.takeOver
        ? [...present.values()].find(item => isAt(decodeGateway(item), advertised))
        : undefined
      const nodeId = predecessor ? decodeGateway(predecessor).nodeId : lowestFree(present)
      const version = drawToken(random)
      try {
        const outcome = await items.write([this.#putOperation(nodeId, version, predecessor?.version ?? 'absent')])
        if (outcome.written) return this.#hold(nodeId, version)
      } catch (error) {
        // Unknown: the next look finds the item with a version of ours, or it does not.
        if (!(error instanceof StoreError) || error.effect === 'none') throw error
        this.#doubt(version)
      }
    }
    throw new StoreError('STORE_UNAVAILABLE', `no node id claimed in ${claimAttemptsMax} attempts`)
  }

  #hold(nodeId: number, version: Version): void {
    this.#nodeId = nodeId
    this.#version = version
    this.#uncertain.clear()
    this.#refreshLive()
  }

  #doubt(version: Version): void {
    this.#uncertain.add(version)
    const [oldest] = this.#uncertain
    if (this.#uncertain.size > uncertainMax && oldest !== undefined) this.#uncertain.delete(oldest)
  }

  async #keepRenewing(): Promise<void> {
    const { clock, logger } = this.#options
    let pauseMs = renewalMs
    while (!this.#closing.signal.aborted) {
      await clock.sleep(pauseMs, this.#closing.signal)
      if (this.#closing.signal.aborted) return
      try {
        await this.#renew()
        pauseMs = renewalMs
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        logger.warn('node id not renewed', { nodeId: this.#nodeId, code: error.code })
        pauseMs = renewalRetryMs
      }
    }
  }

  async #renew(): Promise<void> {
    const { items, random, logger } = this.#options
    const version = drawToken(random)
    try {
      const outcome = await items.write([this.#putOperation(this.#nodeId, version, this.#version)])
      if (outcome.written) return this.#hold(this.#nodeId, version)
      const standing = outcome.conflicts[0]?.item
      if (standing && this.#uncertain.has(standing.version)) {
        this.#version = standing.version
        return
      }
    } catch (error) {
      if (error instanceof StoreError && error.effect === 'unknown') this.#doubt(version)
      throw error
    }
    logger.warn('node id lost, claiming another', { nodeId: this.#nodeId })
    await this.#claim({ takeOver: false })
  }

  async #keepDiscovering(): Promise<void> {
    const { clock, logger } = this.#options
    let pauseMs = firstDiscoveryMs
    while (!this.#closing.signal.aborted) {
      await clock.sleep(pauseMs, this.#closing.signal)
      if (this.#closing.signal.aborted) return
      pauseMs = discoveryMs
      try {
        await this.#discover()
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        logger.warn('gateways not discovered', { code: error.code })
      }
    }
  }

  async #discover(): Promise<void> {
    const items = await this.#readAll()
    const now = this.#options.clock.monotonic()
    const sightings = new Map<number, Sighting>()
    for (const [nodeId, item] of items) sightings.set(nodeId, this.#sight(item, this.#sightings.get(nodeId), now))
    this.#sightings = sightings
    this.#refreshLive()
    for (const [nodeId, sighting] of sightings) {
      if (nodeId !== this.#nodeId && now - sighting.since >= removalMs) await this.#remove(nodeId, sighting.version)
    }
  }

  #sight(item: Item, before: Sighting | undefined, now: number): Sighting {
    const { nodeId, host, port, rack, renewedAt } = decodeGateway(item)
    const gateway = { nodeId, host, port, rack }
    if (before?.version === item.version) return { ...before, live: before.live && now - before.since < silenceMs }
    // Seen for the first time, the writer's wall clock is the only hint; a wrong clock costs one look.
    const live = before !== undefined || Math.abs(this.#options.clock.now() - renewedAt) < silenceMs
    return { gateway, version: item.version, since: now, live }
  }

  async #remove(nodeId: number, version: Version): Promise<void> {
    const outcome = await this.#options.items.write([{ kind: 'delete', key: gatewayKey(nodeId), expected: version }])
    if (!outcome.written) return
    this.#sightings.delete(nodeId)
    this.#options.logger.info('dead gateway removed', { nodeId })
  }

  #refreshLive(): void {
    const others = [...this.#sightings.values()].filter(({ gateway, live }) => live && gateway.nodeId !== this.#nodeId)
    const live = [{ nodeId: this.#nodeId, ...this.#options.advertised }, ...others.map(sighting => sighting.gateway)]
    this.#live = live.sort((a, b) => a.nodeId - b.nodeId)
  }

  #putOperation(nodeId: number, version: Version, expected: Version | 'absent') {
    const { advertised, clock } = this.#options
    const value = encodeGateway({ nodeId, ...advertised, renewedAt: clock.now() })
    return { kind: 'put', key: gatewayKey(nodeId), expected, version, value } as const
  }

  async #readAll(): Promise<Map<number, Item>> {
    const found = new Map<number, Item>()
    let cursor: string | undefined
    do {
      const page = await this.#options.items.query(gatewaysPartition, cursor === undefined ? {} : { cursor })
      for (const item of page.items) found.set(decodeGateway(item).nodeId, item)
      cursor = page.cursor
    } while (cursor !== undefined)
    return found
  }
}

function isAt(gateway: Gateway, address: { readonly host: string; readonly port: number }): boolean {
  return gateway.host === address.host && gateway.port === address.port
}

function lowestFree(taken: ReadonlyMap<number, Item>): number {
  let nodeId = 1
  while (taken.has(nodeId)) nodeId++
  return nodeId
}
