import { describe, expect, test } from 'vitest'
import {
  type Assignment,
  checkHistory,
  type Fork,
  type Holding,
  type Join,
  type OffsetCommit,
  type OffsetFetch,
  type Operation,
  type Poll,
  type Property,
  type Send,
  type TopicChange,
  type Transaction,
} from './index.ts'
import { now, sampleSend, span } from './samples.ts'

const partition = 'topic/0'
function send(batch: number, offset: number | 'unknown' | 'refused', more: Partial<Send> = {}): Send {
  const outcome: Send['outcome'] =
    typeof offset === 'number' ? { kind: 'acked', offset, duplicate: false } : { kind: offset, code: 'SOME_CODE' }
  return sampleSend({ partition, batch, outcome }, more)
}

/** What a reader got at `offset`: single records, `undefined` for a hole. */
function poll(offset: number, values: readonly (string | undefined)[], more: Partial<Poll> = {}): Poll {
  const batches = values.flatMap((value, i) =>
    value === undefined ? [] : { base: offset + i, last: offset + i, values: [value], control: false },
  )
  const end = offset + values.length
  const outcome = { kind: 'read', batches, next: end, start: 0, end, stable: end } as const
  return {
    kind: 'poll',
    reader: 'r',
    partition,
    offset,
    isolation: 'read_uncommitted',
    outcome,
    ...span(),
    ...more,
  }
}

function propertiesOf(history: readonly Operation[]): Property[] {
  return [...new Set(checkHistory(history).map(({ property }) => property))].sort()
}

/** `during` began before `earlier` was over. */
function concurrent<T extends Operation>(during: T, earlier: Operation): T {
  return { ...during, invoked: earlier.completed - 0.5 }
}

const forked = 'copy/0'

function fork(more: Partial<Fork> = {}): Fork {
  const outcome = { kind: 'done', id: 'copy' } as const
  return { kind: 'fork', name: 'f', source: 'topic', partitions: 1, outcome, ...span(), ...more }
}

const cases: readonly { name: string; history: () => Operation[]; broken: Property[] }[] = [
  {
    name: 'a plain history',
    history: () => [send(0, 0), send(1, 1), poll(0, ['p:0', 'p:1']), poll(0, ['p:0', 'p:1'], { drain: 1 })],
    broken: [],
  },
  {
    name: 'an unknown append that happened, and one that did not',
    history: () => [send(0, 'unknown'), send(1, 'unknown'), poll(0, ['p:1'], { drain: 1 })],
    broken: [],
  },
  {
    name: 'an idempotent retry that is told the first offset',
    history: () => [send(0, 'unknown'), send(0, 0), send(1, 1), poll(0, ['p:0', 'p:1'], { drain: 1 })],
    broken: [],
  },
  {
    name: 'an acknowledged record under the end is missing',
    history: () => [send(0, 0), send(1, 1), poll(0, [undefined, 'p:1'], { drain: 1 })],
    broken: ['lost-write', 'poll-skip'],
  },
  {
    name: 'an acknowledged record above the end',
    history: () => [send(0, 0), send(1, 1), poll(0, ['p:0'], { drain: 1 })],
    broken: ['unseen'],
  },
  {
    name: 'a record was read once, and is gone',
    history: () => [send(0, 'unknown'), send(1, 'unknown'), poll(0, ['p:0', 'p:1']), poll(0, ['p:0'], { drain: 1 })],
    broken: ['unseen'],
  },
  {
    name: 'a record that came while all was read',
    history: () => {
      const last = poll(0, [], { drain: 1 })
      return [last, concurrent(send(0, 0), last)]
    },
    broken: [],
  },
  {
    name: 'a record was in one reading of all, and is not in the next',
    history: () => [send(0, 'unknown'), poll(0, ['p:0'], { drain: 1 }), poll(0, [], { drain: 2 })],
    broken: ['stale-read', 'unseen'],
  },
  {
    name: 'two values at one offset',
    history: () => [send(0, 'unknown'), send(1, 'unknown'), poll(0, ['p:0']), poll(0, ['p:1'])],
    broken: ['inconsistent-offsets'],
  },
  {
    name: 'two acknowledgements of one offset',
    history: () => [send(0, 0, { producer: 'a' }), concurrent(send(1, 0, { producer: 'b' }), send(9, 5))],
    broken: ['inconsistent-offsets', 'stale-append'],
  },
  {
    name: 'one batch at two offsets',
    history: () => [send(0, 'unknown'), send(0, 'unknown'), poll(0, ['p:0', 'p:0'], { drain: 1 })],
    broken: ['duplicate'],
  },
  {
    name: 'a batch read in part',
    history: () => [send(0, 'unknown', { values: ['p:0/0', 'p:0/1'] }), poll(0, ['p:0/0'])],
    broken: ['torn-batch'],
  },
  {
    name: 'a fork that has what its source had, and goes on alone',
    history: () => [
      ...[send(0, 0), send(1, 1), fork(), send(2, 2), send(3, 2, { partition: forked })],
      ...[
        poll(0, ['p:0', 'p:1', 'p:2'], { drain: 1 }),
        poll(0, ['p:0', 'p:1', 'p:3'], { drain: 1, partition: forked }),
      ],
    ],
    broken: [],
  },
  {
    name: 'a fork without a record that its source had',
    history: () => [send(0, 0), send(1, 1), fork(), poll(0, ['p:0'], { drain: 1, partition: forked })],
    broken: ['unseen'],
  },
  {
    name: 'a fork with a record that came later',
    history: () => [send(0, 0), fork(), send(1, 1), poll(0, ['p:0', 'p:1'], { drain: 1, partition: forked })],
    broken: ['phantom'],
  },
  {
    name: 'a fork with a record from behind its cut',
    history: () => [
      send(0, 0),
      send(1, 1),
      fork({ cuts: [1] }),
      poll(0, ['p:0', 'p:1'], { drain: 1, partition: forked }),
    ],
    broken: ['phantom'],
  },
  {
    name: 'a fork with a record at another offset',
    history: () => {
      const made = fork()
      const during = { ...send(1, 1), invoked: made.invoked - 0.5 }
      return [send(0, 'unknown'), made, during, poll(0, ['p:1'], { drain: 1, partition: forked })]
    },
    broken: ['inconsistent-offsets'],
  },
  { name: 'a record that nobody sent', history: () => [poll(0, ['p:7'])], broken: ['phantom'] },
  {
    name: 'a refused record is there',
    history: () => [send(0, 'refused'), poll(0, ['p:0'])],
    broken: ['refused-write'],
  },
  {
    name: 'a record refused at first and sent again is there',
    history: () => [send(0, 'refused'), send(0, 0), poll(0, ['p:0'])],
    broken: [],
  },
  {
    name: 'a hole inside an answer',
    history: () => [send(0, 'unknown'), send(1, 'unknown'), poll(0, ['p:0', undefined, 'p:1'])],
    broken: ['offset-gap'],
  },
  {
    name: 'a hole that no reader ever filled',
    history: () => [send(0, 0), poll(0, ['p:0', undefined], { drain: 1 })],
    broken: ['offset-gap'],
  },
  {
    name: 'an answer out of order',
    history: () => {
      const read = poll(0, ['p:0', 'p:1'])
      if (read.outcome.kind === 'read') read.outcome = { ...read.outcome, batches: read.outcome.batches.toReversed() }
      return [send(0, 'unknown'), send(1, 'unknown'), read]
    },
    broken: ['nonmonotonic-poll', 'poll-skip'],
  },
  {
    name: 'an answer that begins above what was asked for',
    history: () => [send(0, 'unknown'), send(1, 'unknown'), poll(0, ['p:0']), { ...poll(1, ['p:1']), offset: 0 }],
    broken: ['poll-skip'],
  },
  {
    name: 'batches out of the order sent',
    history: () => [send(0, 'unknown'), send(1, 0), send(0, 1)],
    broken: ['nonmonotonic-send'],
  },
  {
    name: 'plain batches out of order on one connection',
    history: () => {
      const first = send(0, 1, { idempotent: false })
      return [first, concurrent(send(1, 0, { idempotent: false }), first)]
    },
    broken: ['nonmonotonic-send'],
  },
  {
    name: 'plain batches out of order on two connections',
    history: () => {
      const first = send(0, 1, { idempotent: false })
      return [first, concurrent(send(1, 0, { idempotent: false, connection: 'd' }), first)]
    },
    broken: [],
  },
  { name: 'nothing where an acknowledged record is', history: () => [send(0, 0), poll(0, [])], broken: ['stale-read'] },
  {
    name: 'nothing, asked before the acknowledgement',
    history: () => {
      const sent = send(0, 0)
      return [sent, concurrent(poll(0, []), sent)]
    },
    broken: [],
  },
  {
    name: 'out of range below the end',
    history: () => [send(0, 0), poll(1, [], { outcome: { kind: 'refused', code: 'OFFSET_OUT_OF_RANGE' } })],
    broken: ['stale-read'],
  },
  {
    name: 'an end below an acknowledged record',
    history: () => [send(0, 0), { kind: 'end', partition, outcome: { kind: 'found', offset: 0 }, ...span() }],
    broken: ['stale-read'],
  },
  {
    name: 'a new record below an older one',
    history: () => [send(0, 5, { producer: 'a' }), send(0, 3, { producer: 'b', values: ['b:0'] })],
    broken: ['stale-append'],
  },
]

describe('records and order', () => {
  test.for(cases)('$name', ({ history, broken }) => {
    expect(propertiesOf(history())).toEqual(broken)
  })
})

function transaction(id: string, outcome: Transaction['outcome']): Transaction {
  const { invoked, completed } = span()
  return { kind: 'transaction', id, outcome, invoked, ended: completed, completed: now() }
}

function committedPoll(values: readonly (string | undefined)[], final = false): Poll {
  return poll(0, values, { isolation: 'read_committed', ...(final && { drain: 1 }) })
}

describe('transactions', () => {
  const open = () => [send(0, 0, { transaction: 't' }), send(1, 1, { transaction: 't' })]

  test('all of a committed one is seen', () => {
    const history = [...open(), transaction('t', 'committed'), committedPoll(['p:0', 'p:1'], true)]
    expect(propertiesOf(history)).toEqual([])
  })
  test('nothing of an aborted one is seen', () => {
    expect(propertiesOf([...open(), transaction('t', 'aborted'), committedPoll([], true)])).toEqual([])
  })
  test('a record of an aborted one is seen', () => {
    expect(propertiesOf([...open(), transaction('t', 'aborted'), committedPoll(['p:0'])])).toEqual(['G1a'])
  })
  test('a record is seen before the commit', () => {
    const history = [...open(), committedPoll(['p:0']), transaction('t', 'committed')]
    expect(propertiesOf(history)).toEqual(['precommitted-read'])
  })
  test('a part of one is seen', () => {
    const history = [...open(), transaction('t', 'commit-unknown'), committedPoll(['p:0'], true)]
    expect(propertiesOf(history)).toEqual(['torn-transaction'])
  })
  test('a fork has not what was open when it was made, nor has a fork of it, made after the commit', () => {
    const second = () => fork({ source: 'copy', outcome: { kind: 'done', id: 'copy-2' } })
    const drained = (values: string[], there: string) => poll(0, values, { drain: 1, partition: there })
    const marker = { base: 2, last: 2, values: [], control: true }
    const outcome = { kind: 'read', batches: [marker], next: 3, start: 0, end: 3, stable: 3 } as const
    const aborted = (there: string) => ({ ...drained([], there), outcome })
    const history = [
      ...[...open(), fork(), transaction('t', 'committed'), second(), drained(['p:0', 'p:1'], partition)],
      ...[aborted(forked), aborted('copy-2/0')],
    ]
    expect(propertiesOf(history)).toEqual([])
    const early = [
      ...[...open(), transaction('t', 'committed'), fork(), second(), drained(['p:0', 'p:1'], partition)],
      ...[drained(['p:0', 'p:1'], forked), aborted('copy-2/0')],
    ]
    expect(propertiesOf(early)).toEqual(['lost-write', 'poll-skip'])
  })
  test('a committed one is not seen', () => {
    const history = [...open(), transaction('t', 'committed'), committedPoll([], true)]
    expect(propertiesOf(history)).toEqual(['torn-transaction'])
  })
})

describe('groups', () => {
  const assigned = (member: string, generation: number): Assignment => ({
    ...{ kind: 'assignment', group: 'g', member, generation, partitions: [partition], completedAtMs: 0, ...span() },
  })
  const commit = (offset: number, outcome: OffsetCommit['outcome'] = 'done', generation = 1): OffsetCommit => ({
    ...{ kind: 'commit', group: 'g', member: 'm', generation, partition, offset, outcome, ...span() },
  })
  const fetched = (offset: number): OffsetFetch => ({ kind: 'fetch', group: 'g', partition, offset, ...span() })

  test('one owner after another', () => {
    expect(propertiesOf([assigned('m', 1), assigned('n', 2)])).toEqual([])
  })
  test('two owners in a generation', () => {
    expect(propertiesOf([assigned('m', 1), assigned('n', 1)])).toEqual(['two-owners'])
  })
  test('the last committed offset is fetched', () => {
    expect(propertiesOf([fetched(-1), commit(3), fetched(3), commit(5), fetched(5)])).toEqual([])
  })
  test('a commit of unknown outcome may show or not', () => {
    expect(propertiesOf([commit(3), commit(5, 'unknown'), fetched(3), fetched(5)])).toEqual([])
  })
  test('a committed offset is gone', () => {
    expect(propertiesOf([commit(3), fetched(-1)])).toEqual(['committed-offset-lost'])
  })
  test('a committed offset is older', () => {
    expect(propertiesOf([commit(3), commit(5), fetched(3)])).toEqual(['committed-offset-lost'])
  })
  test('a refused commit shows', () => {
    expect(propertiesOf([commit(3), commit(5, 'refused'), fetched(5)])).toEqual(['committed-offset-lost'])
  })
  test('a commit of an older generation', () => {
    expect(propertiesOf([assigned('m', 1), assigned('n', 2), commit(3)])).toEqual(['stale-commit'])
  })
})

describe('holdings of members of consumer groups', () => {
  const holding = (member: string, fromMs: number, more: Partial<Holding> = {}): Holding => ({
    ...{ kind: 'holding', group: 'g', member, partition: '0', sessionMs: 9_000, rebalanceMs: 6_000, fromMs },
    ...{ toMs: Infinity, heardAtMs: fromMs, owesSinceMs: Infinity, invoked: now(), completed: Infinity, ...more },
  })
  const joined = (member: string, more: Partial<Join> = {}): Join => ({
    ...{ kind: 'join', group: 'g', member: '', instance: 'i', given: member, via: 'a', completedAtMs: 500 },
    ...span(),
    ...more,
  })
  const isStatic = { instance: 'i' }

  test('one after the other', () => {
    const first = holding('m', 0)
    first.completed = now()
    expect(propertiesOf([first, holding('n', 1_000)])).toEqual([])
  })
  test('two at once', () => {
    expect(propertiesOf([holding('m', 0), holding('n', 1_000)])).toEqual(['two-owners'])
    expect(propertiesOf([holding('m', 0, { owesSinceMs: 100 }), holding('n', 5_900)])).toEqual(['two-owners'])
    expect(propertiesOf([holding('m', 0, { heardAtMs: 2_000 }), holding('n', 7_000)])).toEqual(['two-owners'])
  })
  test('who was not heard of, or owed for too long, has lost it', () => {
    expect(propertiesOf([holding('m', 0), holding('n', 9_000)])).toEqual([])
    const owing = holding('m', 0, { heardAtMs: 6_500, owesSinceMs: 100 })
    expect(propertiesOf([owing, holding('n', 7_000)])).toEqual([])
  })
  test('a static member that was replaced has lost it to its successor, who may lose it to others', () => {
    expect(propertiesOf([holding('m', 0, isStatic), joined('m2'), holding('n', 1_000)])).toEqual([])
    const lost = joined('', { completed: Infinity })
    expect(propertiesOf([holding('m', 0, isStatic), lost, holding('n', 1_000)])).toEqual([])
  })
  test('nobody has replaced it', () => {
    const before = joined('m2')
    expect(propertiesOf([before, holding('m', 0, isStatic), holding('n', 1_000)])).toEqual(['two-owners'])
    const others = [joined('m'), joined('m2', { refused: true }), joined('m2', { instance: 'j' })]
    expect(propertiesOf([holding('m', 0, isStatic), ...others, holding('n', 1_000)])).toEqual(['two-owners'])
  })
  test('a replaced one is kept at work', () => {
    const kept = holding('m', 0, { ...isStatic, heardAtMs: 7_000 })
    expect(propertiesOf([kept, joined('m2')])).toEqual(['stale-heartbeat'])
  })
})

describe('topics', () => {
  const change = (kind: TopicChange['kind'], id: string): TopicChange => ({
    ...{ kind, name: 'n', partitions: 1, completedAtMs: 0, outcome: { kind: 'done', id }, ...span() },
  })
  const lookup = (id?: string, invokedAtMs = 60_000): Operation => ({
    kind: 'lookup',
    name: 'n',
    invokedAtMs,
    outcome: id === undefined ? { kind: 'none' } : { kind: 'found', id, partitions: 1 },
    ...span(),
  })

  test('made, deleted, made anew', () => {
    expect(propertiesOf([change('create', 'a'), lookup('a'), change('delete', ''), change('create', 'b')])).toEqual([])
  })
  test('two of one name', () => {
    expect(propertiesOf([change('create', 'a'), change('create', 'b')])).toEqual(['two-topics'])
  })
  test('not found while it exists', () => {
    expect(propertiesOf([change('create', 'a'), lookup()])).toEqual(['false-refusal'])
  })
  test('another one found', () => {
    expect(propertiesOf([change('create', 'a'), lookup('b')])).toEqual(['two-topics'])
  })
  test('an older one found in a cache a few seconds old', () => {
    expect(propertiesOf([change('create', 'b'), lookup('a', 3_000)])).toEqual([])
  })
  test('a partition that exists is told to be unknown', () => {
    const created = change('create', 'a')
    const refused = poll(0, [], { partition: 'a/0', outcome: { kind: 'refused', code: 'UNKNOWN_TOPIC' } })
    expect(propertiesOf([created, refused])).toEqual(['false-refusal'])
  })
})
