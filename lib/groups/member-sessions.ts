/**
 * Who is alive, as the coordinator of a group knows it: in its memory only. A session ends when nothing was heard of a
 * member for its timeout; besides, a member may owe something by a time, such as giving partitions up. Monotonic ms.
 */
interface Session {
  deadline: number
  timeoutMs: number
  /** What it owes, and by when. */
  readonly debts: Map<string, number>
}

export class MemberSessions {
  readonly #sessions = new Map<string, Session>()

  has(memberId: string): boolean {
    return this.#sessions.has(memberId)
  }

  heard(memberId: string, now: number, timeoutMs: number): void {
    const session = this.#sessions.get(memberId)
    if (session) {
      session.deadline = Math.max(session.deadline, now + timeoutMs)
      session.timeoutMs = timeoutMs
    } else this.#sessions.set(memberId, { deadline: now + timeoutMs, timeoutMs, debts: new Map() })
  }

  /** Nothing changes where it owes that already. */
  owes(memberId: string, what: string, by: number): void {
    const debts = this.#sessions.get(memberId)?.debts
    if (debts && !debts.has(what)) debts.set(what, by)
  }

  settled(memberId: string, what: string): void {
    this.#sessions.get(memberId)?.debts.delete(what)
  }

  debtsOf(memberId: string): readonly string[] {
    return [...(this.#sessions.get(memberId)?.debts.keys() ?? [])]
  }

  /** Members that are not in `present` are forgotten. */
  keepOnly(present: { has(memberId: string): boolean }): void {
    for (const id of this.#sessions.keys()) if (!present.has(id)) this.#sessions.delete(id)
  }

  /** Nobody could be heard of for a while, through no fault of theirs. */
  renewAll(now: number): void {
    for (const session of this.#sessions.values()) {
      session.deadline = Math.max(session.deadline, now + session.timeoutMs)
      for (const [what, by] of session.debts) session.debts.set(what, Math.max(by, now + 1))
    }
  }

  expired(now: number): string[] {
    return [...this.#sessions].filter(([, session]) => dueOf(session) <= now).map(([id]) => id)
  }

  /** When the next may expire, if ever. */
  next(): number | undefined {
    let next = Number.POSITIVE_INFINITY
    for (const session of this.#sessions.values()) next = Math.min(next, dueOf(session))
    return next === Number.POSITIVE_INFINITY ? undefined : next
  }
}

function dueOf({ deadline, debts }: Session): number {
  let due = deadline
  for (const by of debts.values()) due = Math.min(due, by)
  return due
}
