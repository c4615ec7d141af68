import { describe, expect, test } from 'vitest'
import { type Cleaning, checkHistory, type Operation, type Poll, type Property, type Send } from './index.ts'
import { now, sampleSend, span } from './samples.ts'

const topic = 'topic'
const partition = `${topic}/0`
const HOUR_MS = 3_600_000

function cleaning(more: Partial<Cleaning> = {}): Cleaning {
  return { kind: 'cleaning', topic, tombstonesKeptMs: 0, minLagMs: 0, ...span(), ...more }
}

/** Of one record: `a` is a value of the key a, `a!` its tombstone. */
function send(batch: number, offset: number, key: string, more: Partial<Send> = {}): Send {
  const keys = [{ key: key[0]!, isTombstone: key.endsWith('!') }]
  const outcome: Send['outcome'] = { kind: 'acked', offset, duplicate: false }
  return sampleSend({ partition, batch, outcome }, { keys, madeAtMs: 0, invokedAtMs: 0, ...more })
}

/** All there is, an hour after it was sent: values and keys at their offsets; a hole at the end is an empty batch. */
function drain(end: number, records: Readonly<Record<number, string>>, more: Partial<Poll> = {}): Poll {
  const batches = Object.entries(records).map(([at, value]) => {
    const [name, key] = value.split(' of ') as [string, string]
    return { base: Number(at), last: Number(at), values: [name], keys: [key], control: false }
  })
  if (batches.at(-1)?.last !== end - 1)
    batches.push({ base: end - 1, last: end - 1, values: [], keys: [], control: false })
  return {
    kind: 'poll',
    reader: 'r',
    partition,
    offset: 0,
    isolation: 'read_uncommitted',
    drain: 1,
    completedAtMs: HOUR_MS,
    outcome: { kind: 'read', batches, next: end, start: 0, end, stable: end },
    ...span(),
    ...more,
  }
}

const cases: readonly { name: string; history: () => Operation[]; broken: Property[] }[] = [
  {
    name: 'the last record of each key is there',
    history: () => [
      ...[cleaning(), send(0, 0, 'a'), send(1, 1, 'b'), send(2, 2, 'a')],
      drain(3, { 1: 'p:1 of b', 2: 'p:2 of a' }, { settled: true }),
    ],
    broken: [],
  },
  {
    name: 'the same in a topic that is not compacted',
    history: () => [send(0, 0, 'a'), send(1, 1, 'b'), send(2, 2, 'a'), drain(3, { 1: 'p:1 of b', 2: 'p:2 of a' })],
    broken: ['lost-write', 'poll-skip'],
  },
  {
    name: 'the last record of a key is gone',
    history: () => [cleaning(), send(0, 0, 'a'), send(1, 1, 'b'), drain(2, { 0: 'p:0 of a' })],
    broken: ['lost-write', 'phantom'],
  },
  {
    name: 'the first is kept instead of the last',
    history: () => [cleaning(), send(0, 0, 'a'), send(1, 1, 'a'), drain(2, { 0: 'p:0 of a' }, { settled: true })],
    broken: ['brought-back', 'lost-write', 'phantom'],
  },
  {
    name: 'a record is gone for one that was sent later',
    history: () => [cleaning(), send(0, 0, 'a'), drain(1, {}), send(1, 1, 'a')],
    broken: ['lost-write', 'phantom'],
  },
  {
    name: 'a record is gone for one that was aborted',
    history: () => {
      const transaction = 't:0'
      const begun = { kind: 'transaction', id: transaction, outcome: 'aborted', ...span() } as const
      const sends = [send(0, 0, 'a'), send(1, 1, 'a', { transaction })]
      return [cleaning(), ...sends, { ...begun, ended: now() }, drain(2, {})]
    },
    broken: ['lost-write', 'poll-skip'],
  },
  {
    name: 'a tombstone and what it deletes are gone, in time',
    history: () => [
      cleaning({ tombstonesKeptMs: HOUR_MS }),
      ...[send(0, 0, 'a'), send(1, 1, 'a!'), drain(2, {}, { settled: true })],
    ],
    broken: [],
  },
  {
    name: 'a tombstone is gone too early',
    history: () => [
      cleaning({ tombstonesKeptMs: HOUR_MS + 1 }),
      ...[send(0, 0, 'a'), send(1, 1, 'a!'), drain(2, {}, { settled: true })],
    ],
    broken: ['lost-write', 'phantom'],
  },
  {
    name: 'a tombstone is gone before what it deletes',
    history: () => [...[cleaning(), send(0, 0, 'a'), send(1, 1, 'a!')], drain(2, { 0: 'p:0 of a' }, { settled: true })],
    broken: ['brought-back'],
  },
  {
    name: 'a record is cleaned before it may be',
    history: () => [
      cleaning({ minLagMs: HOUR_MS + 1 }),
      ...[send(0, 0, 'a'), send(1, 1, 'a'), drain(2, { 1: 'p:1 of a' })],
    ],
    broken: ['lost-write', 'poll-skip'],
  },
  {
    name: 'a record has another key than was sent',
    history: () => [cleaning(), send(0, 0, 'a'), drain(1, { 0: 'p:0 of b' })],
    broken: ['torn-batch'],
  },
]

describe('the checker of compacted topics', () => {
  test.for(cases)('$name', ({ history, broken }) => {
    const properties = checkHistory(history()).map(({ property }) => property)
    expect([...new Set(properties)].sort()).toEqual(broken)
  })
})
