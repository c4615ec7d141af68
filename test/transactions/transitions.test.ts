/** Kafka's rules of a transactional id, as a value: KIP-98, 360 and 890. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CorruptDataError } from '../../lib/base/index.ts'
import {
  decodeTransaction,
  encodeTransaction,
  type TransactionDocument,
  transactionStates,
} from '../../lib/transactions/transaction-document.ts'
import {
  abortTransaction,
  addToTransaction,
  admittedTo,
  complete,
  type Decision,
  type EndRequest,
  EPOCH_MAX,
  endTransaction,
  initProducer,
  needsProducerId,
} from '../../lib/transactions/transitions.ts'

const topicId = 'a'.repeat(32)
const moment = { now: 1_000, freshProducerId: 99 }
const topics = [{ topicId, partitions: [0, 1] }]

function written(decision: Decision): TransactionDocument {
  if (decision.kind !== 'write' && decision.kind !== 'prepare' && decision.kind !== 'prepare-first') {
    throw new Error(`${decision.kind}, where a document was to be written`)
  }
  return decision.document
}

function codeOf(decision: Decision): string {
  return decision.kind === 'refuse' ? decision.code : decision.kind
}

function init(document?: TransactionDocument, expected?: { producerId: number; epoch: number }): Decision {
  return initProducer(document, { timeoutMs: 60_000, expected }, moment)
}

function add(document: TransactionDocument, admits: 'anything' | 'only-known' = 'anything', producer = document) {
  const { producerId, epoch } = producer
  return addToTransaction(document, { producerId, epoch, topics, groups: [], admits }, moment)
}

function end(document: TransactionDocument, request: Partial<EndRequest> = {}) {
  const { producerId, epoch } = document
  return endTransaction(document, { producerId, epoch, outcome: 'commit', raisesEpoch: true, ...request }, moment)
}

const empty = written(init())
const ongoing = written(add(empty))
/** By each protocol. */
const prepared = { 1: written(end(ongoing, { raisesEpoch: false })), 2: written(end(ongoing)) }
const committed = { 1: complete(prepared[1], moment), 2: complete(prepared[2], moment) }

describe('InitProducerId', () => {
  test('makes an id with epoch 0, and raises the epoch each time', () => {
    expect(empty).toMatchObject({ state: 'Empty', producerId: 99, epoch: 0, transaction: 0, timeoutMs: 60_000 })
    expect(written(init(empty))).toMatchObject({ state: 'Empty', epoch: 1, lastEpoch: -1 })
    expect(written(init(committed[2]))).toMatchObject({ state: 'Empty', epoch: 2, transaction: 1 })
  })

  test('aborts what is under way first, with a raised epoch, and finishes what was decided', () => {
    const decision = init(ongoing)
    expect(decision).toMatchObject({
      kind: 'prepare-first',
      document: { state: 'PrepareAbort', epoch: 1, lastEpoch: -1 },
    })
    expect(codeOf(init(prepared[1]))).toBe('finish')
    expect(written(init(complete(written(decision), moment)))).toMatchObject({ epoch: 2, topics: [] })
  })

  test('of a producer that goes on: the epoch is raised once, and a repetition gets the same', () => {
    const { producerId } = empty
    const raised = written(init(empty, { producerId, epoch: 0 }))
    expect(raised).toMatchObject({ epoch: 1, lastEpoch: 0 })
    expect(init(raised, { producerId, epoch: 0 })).toEqual({ kind: 'stands', document: raised })
    expect(written(init(raised, { producerId, epoch: 1 })).epoch).toBe(2)
    expect(codeOf(init(raised, { producerId, epoch: 7 }))).toBe('PRODUCER_FENCED')
    expect(codeOf(init(raised, { producerId: 5, epoch: 0 }))).toBe('PRODUCER_FENCED')
    expect(codeOf(init(written(init(empty)), { producerId, epoch: 0 }))).toBe('PRODUCER_FENCED')
  })

  test('of a producer that goes on does not end its own next transaction when it comes late', () => {
    const raised = written(init(empty, { producerId: 99, epoch: 0 }))
    expect(codeOf(init(written(add(raised)), { producerId: 99, epoch: 0 }))).toBe('PRODUCER_FENCED')
  })

  test('takes a new producer id when the epochs are used up', () => {
    const last = { ...empty, producerId: 5, epoch: EPOCH_MAX }
    const rotated = written(init(last, { producerId: 5, epoch: EPOCH_MAX }))
    expect(rotated).toMatchObject({ producerId: 99, epoch: 0, previousProducerId: 5 })
    expect(init(rotated, { producerId: 5, epoch: EPOCH_MAX })).toEqual({ kind: 'stands', document: rotated })
    expect(codeOf(init(rotated, { producerId: 5, epoch: 3 }))).toBe('PRODUCER_FENCED')
  })
})

describe('adding', () => {
  test('begins the next transaction, whose number never goes back', () => {
    expect(ongoing).toMatchObject({ state: 'Ongoing', transaction: 1, startedAt: 1_000, topics })
    expect(written(add(committed[1]))).toMatchObject({ state: 'Ongoing', transaction: 2 })
    expect(written(add(written(init(committed[2]))))).toMatchObject({ transaction: 2 })
  })

  test('what is there already changes nothing', () => {
    expect(add(ongoing)).toEqual({ kind: 'stands', document: ongoing })
    expect(add(ongoing, 'only-known')).toEqual({ kind: 'stands', document: ongoing })
  })

  test('by use alone is for clients of the second protocol', () => {
    expect(codeOf(add(empty, 'only-known'))).toBe('INVALID_TXN_STATE')
    expect(codeOf(add(committed[1], 'only-known'))).toBe('INVALID_TXN_STATE')
  })

  test('merges partitions and blocks of offsets', () => {
    const { producerId, epoch } = ongoing
    const groups = [{ groupId: 'g', blocks: [{ topicId, block: 3 }] }]
    const more = [{ topicId, partitions: [1, 7] }]
    const request = { producerId, epoch, topics: more, groups, admits: 'anything' } as const
    const added = written(addToTransaction(ongoing, request, moment))
    expect(added).toMatchObject({ transaction: 1, topics: [{ topicId, partitions: [0, 1, 7] }], groups })
    expect(
      written(
        addToTransaction(
          added,
          {
            ...request,
            groups: [
              { groupId: 'g', blocks: [] },
              { groupId: 'h', blocks: [] },
            ],
          },
          moment,
        ),
      ).groups,
    ).toEqual([...groups, { groupId: 'h', blocks: [] }])
  })

  test('a group that was added takes further blocks from old clients', () => {
    const request = { producerId: 99, epoch: 0, topics: [], admits: 'only-known' } as const
    const blocks = [{ topicId, block: 0 }]
    expect(codeOf(addToTransaction(ongoing, { ...request, groups: [{ groupId: 'g', blocks }] }, moment))).toBe(
      'INVALID_TXN_STATE',
    )
    const known = { ...ongoing, groups: [{ groupId: 'g', blocks: [] }] }
    const added = written(addToTransaction(known, { ...request, groups: [{ groupId: 'g', blocks }] }, moment))
    expect(added.groups).toEqual([{ groupId: 'g', blocks }])
  })

  test('is refused to strangers and to epochs of before, and waits for a decided transaction', () => {
    expect(codeOf(add(ongoing, 'anything', { ...ongoing, producerId: 4 }))).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(codeOf(add(committed[2], 'anything', ongoing))).toBe('PRODUCER_FENCED')
    expect(codeOf(add(prepared[1]))).toBe('finish')
    expect(
      codeOf(addToTransaction(undefined, { producerId: 1, epoch: 0, topics, groups: [], admits: 'anything' }, moment)),
    ).toBe('INVALID_PRODUCER_ID_MAPPING')
  })

  test('has a limit', () => {
    const partitions = Array.from({ length: 10_001 }, (_, i) => i)
    const request = { producerId: 99, epoch: 0, groups: [], admits: 'anything' } as const
    const decision = addToTransaction(empty, { ...request, topics: [{ topicId, partitions }] }, moment)
    expect(codeOf(decision)).toBe('TRANSACTION_ABORTABLE')
  })

  test('a known document admits what it has, of its own epoch, while it is under way', () => {
    const request = { producerId: 99, epoch: 0, topics, groups: [], admits: 'anything' } as const
    expect(admittedTo(ongoing, request)).toBe(1)
    expect(admittedTo(ongoing, { ...request, epoch: 1 })).toBeUndefined()
    expect(admittedTo(ongoing, { ...request, topics: [{ topicId, partitions: [2] }] })).toBeUndefined()
    expect(admittedTo(prepared[1], request)).toBeUndefined()
  })
})

describe('EndTxn by the first protocol', () => {
  const first = { raisesEpoch: false }

  test('keeps the epoch', () => {
    expect(prepared[1]).toMatchObject({ state: 'PrepareCommit', epoch: 0 })
    expect(committed[1]).toMatchObject({ state: 'CompleteCommit', epoch: 0, topics: [], groups: [] })
  })

  test('repeated gets the same answer; the other outcome, and an end of nothing, are refused', () => {
    expect(codeOf(end(committed[1], first))).toBe('stands')
    expect(codeOf(end(prepared[1], first))).toBe('finish')
    expect(codeOf(end(committed[1], { ...first, outcome: 'abort' }))).toBe('INVALID_TXN_STATE')
    expect(codeOf(end(prepared[1], { ...first, outcome: 'abort' }))).toBe('INVALID_TXN_STATE')
    expect(codeOf(end(empty, { ...first, outcome: 'abort' }))).toBe('INVALID_TXN_STATE')
    expect(codeOf(end(ongoing, { ...first, producerId: 1 }))).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(codeOf(end(ongoing, { ...first, epoch: 1 }))).toBe('PRODUCER_FENCED')
  })
})

describe('EndTxn by the second protocol', () => {
  const before = { producerId: 99, epoch: 0 }

  test('raises the epoch, with which the markers go', () => {
    expect(prepared[2]).toMatchObject({ state: 'PrepareCommit', epoch: 1, lastEpoch: 0 })
    expect(committed[2]).toMatchObject({ state: 'CompleteCommit', epoch: 1 })
  })

  test('repeated with the epoch of before gets the same answer, the other outcome is refused', () => {
    expect(codeOf(end(committed[2], before))).toBe('stands')
    expect(codeOf(end(prepared[2], before))).toBe('finish')
    expect(codeOf(end(committed[2], { ...before, outcome: 'abort' }))).toBe('INVALID_TXN_STATE')
    expect(codeOf(end(prepared[2], { ...before, outcome: 'abort' }))).toBe('INVALID_TXN_STATE')
  })

  test('that comes late cannot end the next transaction', () => {
    const next = written(add(committed[2]))
    expect(codeOf(end(next, before))).toBe('PRODUCER_FENCED')
    expect(codeOf(end(next, { ...before, outcome: 'abort' }))).toBe('PRODUCER_FENCED')
    expect(codeOf(end(written(init(committed[2])), { ...before, epoch: 1 }))).toBe('PRODUCER_FENCED')
  })

  test('of nothing: an abort raises the epoch all the same, a commit is refused', () => {
    expect(written(end(empty, { outcome: 'abort' }))).toMatchObject({ state: 'CompleteAbort', epoch: 1, lastEpoch: 0 })
    expect(written(end(committed[2], { outcome: 'abort' }))).toMatchObject({ state: 'CompleteAbort', epoch: 2 })
    expect(codeOf(end(empty))).toBe('INVALID_TXN_STATE')
    expect(codeOf(end(committed[2]))).toBe('INVALID_TXN_STATE')
  })

  test('takes a new producer id when the epochs are used up', () => {
    const last = { ...ongoing, producerId: 5, epoch: EPOCH_MAX }
    expect(needsProducerId(last)).toBe(true)
    const ending = written(end(last))
    expect(ending).toMatchObject({ producerId: 5, epoch: EPOCH_MAX + 1, nextProducerId: 99 })
    const ended = complete(ending, moment)
    expect(ended).toMatchObject({ producerId: 99, epoch: 0, previousProducerId: 5, nextProducerId: -1 })
    expect(codeOf(end(ended, { producerId: 5, epoch: EPOCH_MAX }))).toBe('stands')
    expect(codeOf(end(written(add(ended)), { producerId: 5, epoch: EPOCH_MAX }))).toBe('PRODUCER_FENCED')
    expect(written(end({ ...empty, producerId: 5, epoch: EPOCH_MAX }, { outcome: 'abort' }))).toMatchObject({
      producerId: 99,
      epoch: 0,
      previousProducerId: 5,
    })
  })
})

describe('a transaction that took too long', () => {
  const aborted = abortTransaction(ongoing, 1, moment)!

  test('is aborted with a raised epoch', () => {
    expect(aborted).toMatchObject({ state: 'PrepareAbort', epoch: 1, lastEpoch: -1 })
    expect(abortTransaction(ongoing, 2, moment)).toBeUndefined()
    expect(abortTransaction(committed[1], 1, moment)).toBeUndefined()
  })

  test('may be aborted by its producer then, which goes on with the raised epoch; not committed', () => {
    const ended = complete(aborted, moment)
    expect(codeOf(end(ended, { producerId: 99, epoch: 0, outcome: 'abort' }))).toBe('stands')
    expect(codeOf(end(ended, { producerId: 99, epoch: 0 }))).toBe('INVALID_TXN_STATE')
    expect(codeOf(end(ended, { producerId: 99, epoch: 0, raisesEpoch: false }))).toBe('PRODUCER_FENCED')
  })
})

describe('a document', () => {
  const place = fc.record({ topicId: fc.uuid().map(id => id.replaceAll('-', '')), block: fc.nat() })
  const document: fc.Arbitrary<TransactionDocument> = fc.record({
    state: fc.constantFrom(...transactionStates),
    producerId: fc.maxSafeNat(),
    epoch: fc.nat(),
    lastEpoch: fc.integer({ min: -1 }),
    previousProducerId: fc.integer({ min: -1 }),
    nextProducerId: fc.integer({ min: -1 }),
    transaction: fc.maxSafeNat(),
    timeoutMs: fc.nat(),
    startedAt: fc.integer({ min: -1 }),
    changedAt: fc.nat(),
    topics: fc.array(fc.record({ topicId: fc.constant(topicId), partitions: fc.array(fc.nat()) })),
    groups: fc.array(fc.record({ groupId: fc.string(), blocks: fc.array(place) })),
  })

  test('is read as it was written, and not what is of another format', () => {
    fc.assert(
      fc.property(document, value => {
        expect(decodeTransaction(encodeTransaction(value))).toEqual(value)
      }),
    )
    const other = new Uint8Array(encodeTransaction(empty))
    other[0] = 9
    expect(() => decodeTransaction(other)).toThrow(/format 9 is newer/)
    expect(() => decodeTransaction(encodeTransaction(ongoing).subarray(0, 20))).toThrow(CorruptDataError)
  })
})
