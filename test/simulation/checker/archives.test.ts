import { describe, expect, test } from 'vitest'
import { type Archived, checkHistory, type Operation, type Poll, type Send, type Transaction } from './index.ts'

let tick = 0
const moment = () => ({ invoked: ++tick, completed: ++tick })

function sent(value: string, offset: number, transaction?: string): Send {
  return {
    kind: 'send',
    producer: value,
    connection: value,
    partition: 't/0',
    batch: offset,
    idempotent: false,
    ...(transaction !== undefined && { transaction }),
    values: [value],
    outcome: { kind: 'acked', offset, duplicate: false },
    ...moment(),
  }
}

/** The last reading of all. */
function drained(values: readonly string[], start = 0): Poll {
  const batches = values.map((value, base) => ({ base, last: base, values: [value], control: false }))
  const end = values.length
  return {
    kind: 'poll',
    reader: 'drain',
    partition: 't/0',
    offset: start,
    isolation: 'read_committed',
    drain: 1,
    outcome: { kind: 'read', batches, next: end, start, end, stable: end },
    ...moment(),
  }
}

function table(edition: number, records: readonly [number, string][], isFinal = false): Archived {
  const rows = records.map(([offset, value]) => ({ partition: 0, offset, value }))
  return { kind: 'archived', topic: 't', edition, records: rows, isFinal, ...moment() }
}

function propertiesOf(history: readonly Operation[]): string[] {
  return checkHistory(history).map(({ property }) => property)
}

describe('archives', () => {
  test('a table that grows to what the log has is right, and a late hint may show it smaller', () => {
    const first = table(1, [[0, 'a']])
    const all = [sent('a', 0), sent('b', 1)]
    expect(
      propertiesOf([
        ...all,
        first,
        table(2, [
          [0, 'a'],
          [1, 'b'],
        ]),
        first,
      ]),
    ).toEqual([])
    expect(
      propertiesOf([
        ...all,
        drained(['a', 'b']),
        table(
          2,
          [
            [0, 'a'],
            [1, 'b'],
          ],
          true,
        ),
      ]),
    ).toEqual([])
  })

  test('one offset twice', () => {
    expect(
      propertiesOf([
        sent('a', 0),
        table(1, [
          [0, 'a'],
          [0, 'a'],
        ]),
      ]),
    ).toEqual(['archived-twice'])
  })

  test('what is elsewhere in the log, and what nobody sent', () => {
    expect(propertiesOf([sent('a', 0), sent('b', 1), table(1, [[0, 'b']])])).toEqual(['archived-wrong'])
    expect(propertiesOf([sent('a', 0), table(1, [[1, 'x']])])).toEqual(['archived-wrong'])
  })

  test.each(['aborted', 'abort-unknown'] as const)('what a transaction wrote that was %s', outcome => {
    const transaction: Transaction = { kind: 'transaction', id: 'x', ended: ++tick, outcome, ...moment() }
    expect(propertiesOf([transaction, sent('a', 0, 'x'), table(1, [[0, 'a']])])).toContain('archived-wrong')
  })

  test('what a transaction wrote that nobody had asked to commit', () => {
    const seen = table(1, [[0, 'a']])
    const transaction: Transaction = { kind: 'transaction', id: 'x', ended: ++tick, outcome: 'committed', ...moment() }
    expect(propertiesOf([sent('a', 0, 'x'), seen, transaction])).toContain('archived-wrong')
  })

  test('an edition without what the one before had', () => {
    expect(propertiesOf([sent('a', 0), table(1, [[0, 'a']]), table(2, [])])).toEqual(['older-table'])
  })

  test('a record of the log that is missing in the end; one below the start may be', () => {
    const all = [sent('a', 0), sent('b', 1)]
    expect(propertiesOf([...all, drained(['a', 'b']), table(1, [[0, 'a']], true)])).toEqual(['not-archived'])
    expect(propertiesOf([...all, drained(['a', 'b']), table(0, [], true)])).toEqual(['not-archived', 'not-archived'])
    const deletion: Operation = {
      kind: 'delete-records',
      partition: 't/0',
      before: 1,
      completedAtMs: 0,
      outcome: { kind: 'done', start: 1 },
      ...moment(),
    }
    const both = { ...sent('a', 0), values: ['a', 'b'] }
    const batches = [{ base: 0, last: 1, values: ['a', 'b'], control: false }]
    const read: Poll = { ...drained([], 1), outcome: { kind: 'read', batches, next: 2, start: 1, end: 2, stable: 2 } }
    expect(propertiesOf([both, deletion, read, table(1, [[1, 'b']], true)])).toEqual([])
  })

  test('a record that retention took before it was archived', () => {
    const retention: Operation = {
      kind: 'delete-records',
      partition: 't/0',
      before: Infinity,
      byRetention: true,
      completedAtMs: Infinity,
      outcome: { kind: 'unknown', code: 'NO_ANSWER' },
      ...moment(),
    }
    const all = [retention, sent('a', 0), sent('b', 1), drained([])]
    expect(
      propertiesOf([
        ...all,
        table(
          1,
          [
            [0, 'a'],
            [1, 'b'],
          ],
          true,
        ),
      ]),
    ).toEqual([])
    expect(propertiesOf([...all, table(1, [[1, 'b']], true)])).toContain('not-archived')
  })
})
