import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ShareHeartbeat } from '../../lib/share/index.ts'
import { heartbeat, type LiveShareGroup, passTime, renewSessions, takeOver } from '../../lib/share/share-group.ts'
import {
  decodeShareGroup,
  encodeShareGroup,
  newShareGroup,
  type ShareMember,
  type SubscribedTopic,
} from '../../lib/share/share-group-document.ts'
import { assignSimply } from '../../lib/share/simple-assignor.ts'

const t: SubscribedTopic = { id: 'a'.repeat(32), name: 't', partitions: 2 }
const moment = { now: 0, sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000, membersMax: 3 }
const empty: LiveShareGroup = { document: newShareGroup(0), sessions: new Map() }

function beat(memberId: string, epoch: number, topicNames: string[] | undefined = epoch === 0 ? ['t'] : undefined) {
  return {
    groupId: 'g',
    memberId,
    epoch,
    topicNames,
    rackId: undefined,
    clientId: 'c',
    clientHost: '/h',
  } satisfies ShareHeartbeat
}

function join(group: LiveShareGroup, ...ids: string[]): LiveShareGroup {
  return ids.reduce((joined, id) => heartbeat(joined, beat(id, 0), [t], moment).group, group)
}

describe('a share group', () => {
  test('is assigned anew by every change, and members learn by their next heartbeat', () => {
    const both = join(empty, 'm', 'n')
    expect(both.document.epoch).toBe(2)
    const { answer } = heartbeat(both, beat('m', 1), [t], moment)
    expect(answer).toMatchObject({ epoch: 2, assignment: [{ topicId: t.id, partitions: [0] }] })
  })

  test('takes an epoch that the member may know, as answers get lost, and no other', () => {
    const both = join(empty, 'm', 'n')
    const told = heartbeat(both, beat('m', 1), [t], moment).group
    expect(heartbeat(told, beat('m', 1), [t], moment).answer.epoch).toBe(2)
    expect(() => heartbeat(told, beat('m', 5), [t], moment)).toThrow(
      expect.objectContaining({ code: 'FENCED_MEMBER_EPOCH' }),
    )
    const three = join(told, 'o')
    const further = heartbeat(three, beat('m', 2), [t], moment).group
    expect(() => heartbeat(further, beat('m', 1), [t], moment)).toThrow(
      expect.objectContaining({ code: 'FENCED_MEMBER_EPOCH' }),
    )
  })

  test('keeps a member whose former requests come late', () => {
    const told = heartbeat(join(empty, 'm', 'n'), beat('m', 1), [t], moment)
    expect(told.answer.epoch).toBe(2)
    const late = heartbeat(join(told.group, 'o'), beat('m', 1), [t], moment).group
    expect(heartbeat(late, beat('m', 2), [t], moment).answer.epoch).toBe(3)
    const grown = [{ ...t, partitions: 3 }]
    const joins = heartbeat(late, beat('m', 0), grown, moment).group
    expect(heartbeat(joins, beat('m', 2), grown, moment).answer.epoch).toBe(4)
  })

  test('does not change while nothing does', () => {
    const group = join(empty, 'm')
    expect(heartbeat(group, beat('m', 1), [t], moment).group.document).toBe(group.document)
    expect(heartbeat(group, beat('m', 0), [t], moment).group.document).toBe(group.document)
  })

  test('follows its topics', () => {
    const group = join(empty, 'm')
    const grown = heartbeat(group, beat('m', 1), [{ ...t, partitions: 3 }], moment)
    expect(grown.answer).toMatchObject({ epoch: 2, assignment: [{ partitions: [0, 1, 2] }] })
    expect(heartbeat(grown.group, beat('m', 2), [], moment).answer).toMatchObject({ epoch: 3, assignment: [] })
  })

  test('loses members that are silent, not those that could not be heard', () => {
    const group = join(empty, 'm', 'n')
    expect(passTime(group, [t], 44_999)).toBe(group)
    const later = heartbeat(group, beat('n', 2), [t], { ...moment, now: 40_000 }).group
    const left = passTime(later, [t], 45_000)
    expect(left.document.members.map(({ id }) => id)).toEqual(['n'])
    expect(left.document.epoch).toBe(3)
    expect(passTime(renewSessions(group, { ...moment, now: 45_000 }), [t], 60_000).document.members).toHaveLength(2)
    expect(passTime(takeOver(group.document, { ...moment, now: 100_000 }), [t], 144_999).document.members).toHaveLength(
      2,
    )
  })

  test('is full at its limit', () => {
    expect(() => join(empty, 'm', 'n', 'o', 'p')).toThrow(expect.objectContaining({ code: 'GROUP_MAX_SIZE_REACHED' }))
  })

  test('is read as it was stored', () => {
    const { document } = join(empty, 'm', 'n')
    expect(decodeShareGroup(encodeShareGroup(document))).toEqual(document)
  })
})

test('the assignment gives every partition a member, every member a partition, and shares no more than it must', () => {
  const memberCounts = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(memberCounts, fc.integer({ min: 1, max: 8 }), (counts, partitions) => {
      const topics = [{ ...t, partitions }]
      let members: ShareMember[] = []
      for (const count of counts) {
        members = Array.from({ length: count }, (_, i) => {
          const id = `m${i}`
          const assignment = members.find(one => one.id === id)?.assignment ?? []
          return { id, rackId: undefined, clientId: '', clientHost: '', subscription: ['t'], assignment }
        })
        const assigned = assignSimply(members, topics)
        members = members.map((member, i) => ({ ...member, assignment: assigned[i]! }))
        const loads = Array.from({ length: partitions }, () => 0)
        const sizes = assigned.map(one => one.flatMap(({ partitions: own }) => own).length)
        for (const one of assigned) for (const { partitions: own } of one) for (const p of own) loads[p]!++
        if (count === 0) continue
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        expect(Math.min(...loads, ...sizes)).toBeGreaterThanOrEqual(1)
      }
    }),
    { numRuns: 200 },
  )
})
