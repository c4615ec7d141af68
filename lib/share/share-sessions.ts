/**
 * Share sessions: what a member fetches from this process, so that it need not say so each time, and the epoch by which
 * requests that come twice or out of order are told (KIP-932). They are memory: a member whose session is unknown opens another.
 */
import type { Consumer } from './contract.ts'
import { ShareError } from './errors.ts'
import type { Place } from './share-partition-document.ts'

export const INITIAL_EPOCH = 0
export const FINAL_EPOCH = -1

export class ShareSession {
  readonly groupId: string
  readonly memberId: string
  /** In the order added. */
  readonly partitions = new Map<string, Place>()
  /** What an answer may leave out: partitions that were told of and had no error. */
  readonly told = new Set<string>()
  /** Counted by its process: a later session has a greater one. */
  readonly number: number
  readonly #ended = new AbortController()
  epoch = 1

  constructor({ groupId, memberId }: Consumer, number: number) {
    this.number = number
    this.groupId = groupId
    this.memberId = memberId
  }

  /** Aborts when the session ends: what is acquired for it after that would reach nobody. */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  end(): void {
    this.#ended.abort()
  }

  add(places: readonly Place[]): void {
    for (const place of places) this.partitions.set(keyOf(place), place)
  }

  forget(places: readonly Place[]): void {
    for (const place of places) {
      this.partitions.delete(keyOf(place))
      this.told.delete(keyOf(place))
    }
  }
}

export class ShareSessions {
  readonly #limit: number
  readonly #sessions = new Map<string, ShareSession>()
  #opened = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** A session in the place of the one there was. @throws ShareError SHARE_SESSION_LIMIT_REACHED */
  open(consumer: Consumer, places: readonly Place[]): ShareSession {
    const name = nameOf(consumer)
    this.#sessions.get(name)?.end()
    this.#sessions.delete(name)
    if (this.#sessions.size >= this.#limit) {
      throw new ShareError('SHARE_SESSION_LIMIT_REACHED', `there are ${this.#limit} share sessions`)
    }
    const session = new ShareSession(consumer, ++this.#opened)
    session.add(places)
    this.#sessions.set(name, session)
    return session
  }

  /** The session, whose epoch goes on. @throws ShareError SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH */
  next(consumer: Consumer, epoch: number): ShareSession {
    const session = this.find(consumer)
    if (session.epoch !== epoch) {
      throw new ShareError('INVALID_SHARE_SESSION_EPOCH', `epoch ${epoch}, where ${session.epoch} is next`)
    }
    session.epoch = epoch === 2_147_483_647 ? 1 : epoch + 1
    return session
  }

  /** @throws ShareError SHARE_SESSION_NOT_FOUND */
  find(consumer: Consumer): ShareSession {
    const session = this.#sessions.get(nameOf(consumer))
    if (session) return session
    throw new ShareError('SHARE_SESSION_NOT_FOUND', `no share session of member ${consumer.memberId}`)
  }

  /** False: it was ended before. */
  end(session: ShareSession): boolean {
    session.end()
    const name = nameOf(session)
    return this.#sessions.get(name) === session && this.#sessions.delete(name)
  }
}

export function keyOf({ topicId, partition }: Place): string {
  return `${topicId}/${partition}`
}

function nameOf({ groupId, memberId }: Consumer): string {
  return `${memberId}/${groupId}`
}
