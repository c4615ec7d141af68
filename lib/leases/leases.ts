/**
 * Leases keep work from being done twice; they never make anything safe: two processes may hold one at a time (a frozen
 * process thaws, a clock runs fast), and what they do must be right then too.
 *
 * A lease is taken and renewed by compare-and-swap. Another process counts as dead when its token has not changed for the
 * lease's duration on this process's monotonic clock: so nobody's wall clock matters. A process that lives for seconds
 * cannot watch for so long, and compares wall clocks instead (`shortLived`).
 */
import { type Clock, drawToken, type Logger, type Random } from '../base/index.ts'
import { type Expected, type Item, type ItemStore, StoreError, type Version } from '../storage/index.ts'
import { decodeLease, encodeLease, type Lease, leaseKey } from './lease-item.ts'

export interface LeasesOptions {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Names this process in the stored leases. */
  readonly owner: string
  /** This process ends within seconds: it judges other processes' leases by its wall clock. Default false. */
  readonly shortLived?: boolean
}

/** As it is stored now. */
export interface Renewed extends Pick<Lease, 'durationMs' | 'renewedAt'> {
  /** Another after each renewal. */
  readonly version: Version
}

export type Held<T> = { readonly held: true; readonly value: T } | { readonly held: false }

/** Renewed when this part of the duration is over. */
const RENEWALS_PER_DURATION = 3
/** Other processes' leases that are watched; one that is forgotten is watched from the start again. */
const WATCHED_MAX = 10_000

interface Watched {
  readonly token: Version
  /** When the token was first seen, on the monotonic clock. */
  readonly since: number
}

export class Leases {
  readonly #options: LeasesOptions
  readonly #watched = new Map<string, Watched>()
  readonly #held = new Set<string>()

  constructor(options: LeasesOptions) {
    this.#options = options
  }

  /**
   * Does `work` while holding the lease, and gives it back; `held: false` where another holds it. The signal aborts when the lease may be
   * lost: the work should come to an end. @throws StoreError where the store does not answer; what `work` throws
   */
  async hold<T>(name: string, durationMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<Held<T>> {
    if (this.#held.has(name)) return { held: false }
    this.#held.add(name)
    try {
      const token = await this.#take(name, durationMs)
      if (token === undefined) return { held: false }
      return { held: true, value: await this.#workWith(name, durationMs, token, work) }
    } finally {
      this.#held.delete(name)
    }
  }

  async #workWith<T>(
    name: string,
    durationMs: number,
    token: Version,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const lost = new AbortController()
    const done = new AbortController()
    const renewing = this.#renew(name, durationMs, token, done.signal).then(last => {
      if (last === undefined) lost.abort()
      return last
    })
    try {
      return await work(lost.signal)
    } finally {
      done.abort()
      const last = await renewing
      if (last !== undefined) await this.#giveBack(name, last)
    }
  }

  /** The token; undefined where another process holds the lease. */
  async #take(name: string, durationMs: number): Promise<Version | undefined> {
    const item = await this.#options.items.get(leaseKey(name))
    if (item && !this.#isOver(name, item)) return undefined
    this.#watched.delete(name)
    return this.#put(name, durationMs, item?.version ?? 'absent')
  }

  #isOver(name: string, { version, value }: Item): boolean {
    return this.isOver(name, { ...decodeLease(value), version })
  }

  /** Whether something that its owner renews as a lease, in an item of its own, was not renewed for its duration. */
  isOver(name: string, { version, durationMs, renewedAt }: Renewed): boolean {
    const { clock, shortLived } = this.#options
    // A clock that is far ahead must not hold a lease for longer than one that is far behind.
    if (shortLived) return Math.abs(clock.now() - renewedAt) > durationMs
    const watched = this.#watched.get(name)
    if (watched?.token === version) return clock.monotonic() - watched.since >= durationMs
    if (this.#watched.size >= WATCHED_MAX) this.#watched.clear()
    this.#watched.set(name, { token: version, since: clock.monotonic() })
    return false
  }

  /** Until `done`; the last token, or undefined once the lease is lost. */
  async #renew(name: string, durationMs: number, first: Version, done: AbortSignal): Promise<Version | undefined> {
    const { clock, logger } = this.#options
    let token = first
    let renewedAt = clock.monotonic()
    while (!done.aborted) {
      await clock.sleep(durationMs / RENEWALS_PER_DURATION, done)
      if (done.aborted) return token
      const sentAt = clock.monotonic()
      try {
        const next = await this.#put(name, durationMs, token)
        if (next === undefined) return undefined
        token = next
        renewedAt = sentAt
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        logger.warn('lease not renewed', { name, error: String(error) })
      }
      if (clock.monotonic() - renewedAt >= durationMs) return undefined
    }
    return token
  }

  /** The new token, or undefined where another's is there. @throws StoreError */
  async #put(name: string, durationMs: number, expected: Expected): Promise<Version | undefined> {
    const { items, clock, random, owner } = this.#options
    const version = drawToken(random)
    const value = encodeLease({ owner, durationMs, renewedAt: clock.now() })
    const key = leaseKey(name)
    try {
      const outcome = await items.write([{ kind: 'put', key, expected, version, value }])
      return outcome.written ? version : undefined
    } catch (error) {
      if (!(error instanceof StoreError) || error.effect === 'none') throw error
      // It may be there, or may yet come; if it comes later, nobody has it, and it is over after its duration.
      const item = await items.get(key)
      if (item?.version === version) return version
      throw error
    }
  }

  /** What cannot be given back is over after its duration. */
  async #giveBack(name: string, token: Version): Promise<void> {
    const { items, logger } = this.#options
    try {
      await items.write([{ kind: 'delete', key: leaseKey(name), expected: token }])
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      logger.warn('lease not given back', { name, error: String(error) })
    }
  }
}
