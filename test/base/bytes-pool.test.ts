import { describe, expect, test } from 'vitest'
import { Allocation, BytesPool, InvariantError, Loans } from '../../lib/base/index.ts'

const KIB = 1_024

function newPool(idleBytesMax = 1_024 * KIB) {
  return new BytesPool({ idleBytesMax, bytesMin: KIB })
}

describe('pooled memory', () => {
  test('is used again when its last holder has given it back, and not before', () => {
    const pool = newPool()
    const memory = pool.take(10 * KIB)!
    const loans = new Loans()
    loans.add(memory)
    memory.release()
    const other = pool.take(10 * KIB)!
    expect(other.bytes.buffer).not.toBe(memory.bytes.buffer)
    loans.giveBack()
    expect(pool.take(10 * KIB)!.bytes.buffer).toBe(memory.bytes.buffer)
  })

  test('has the length asked for, and serves another length of about the same', () => {
    const pool = newPool()
    for (const length of [KIB, 1_500, 65_537, 1_048_576, 1_048_577])
      expect(pool.take(length)!.bytes).toHaveLength(length)
    const memory = pool.take(10_000)!
    memory.release()
    const next = pool.take(9_900)!
    expect(next.bytes).toHaveLength(9_900)
    expect(next.bytes.buffer).toBe(memory.bytes.buffer)
  })

  test('takes a quarter more than asked for at most', () => {
    const pool = newPool()
    for (let length = KIB; length < 100 * KIB; length += 333) {
      expect(pool.take(length)!.bytes.buffer.byteLength).toBeLessThanOrEqual(length * 1.25 + 1)
    }
  })

  test('that somebody has for good never comes back', () => {
    const pool = newPool()
    const memory = pool.take(10 * KIB)!
    memory.abandon()
    memory.release()
    expect(pool.idleBytes).toBe(0)
  })

  test('is kept idle up to the bound only', () => {
    const pool = newPool(20 * KIB)
    const taken = [1, 2, 3].map(() => pool.take(8 * KIB)!)
    for (const memory of taken) memory.release()
    expect(pool.idleBytes).toBe(16 * KIB)
  })

  test('of a size that nobody asks for any more makes room for what comes', () => {
    const pool = newPool(20 * KIB)
    const [small, large] = [[1, 2, 3].map(() => pool.take(6 * KIB)!), pool.take(16 * KIB)!]
    for (const memory of small) memory.release()
    large.release()
    expect(pool.take(16 * KIB)!.bytes.buffer).toBe(large.bytes.buffer)
    expect(pool.idleBytes).toBe(0)
  })

  test('that was asked for longer ago pushes out nothing', () => {
    const pool = newPool(20 * KIB)
    const small = [1, 2, 3].map(() => pool.take(6 * KIB)!)
    const large = pool.take(16 * KIB)!
    large.release()
    for (const memory of small) memory.release()
    expect(pool.take(16 * KIB)!.bytes.buffer).toBe(large.bytes.buffer)
  })

  test('larger than all that may be idle is not kept, and pushes nothing out', () => {
    const pool = newPool(20 * KIB)
    const [small, large] = [pool.take(8 * KIB)!, pool.take(32 * KIB)!]
    small.release()
    large.release()
    expect(pool.idleBytes).toBe(8 * KIB)
  })

  test('is not for what is short', () => {
    expect(newPool().take(KIB - 1)).toBeUndefined()
  })

  test('given back twice, or held after that, is a bug that is told', () => {
    const memory = newPool().take(KIB)!
    memory.release()
    expect(() => memory.release()).toThrow(InvariantError)
    expect(() => memory.hold()).toThrow(InvariantError)
  })
})

describe('the memory of an answer', () => {
  test('is known by the bytes, also by a part of them', () => {
    const allocation = new Allocation(newPool())
    const [failed, answered] = [allocation.allocate(2 * KIB), allocation.allocate(2 * KIB)]
    expect(allocation.holding(answered.subarray(5, 10))!.bytes).toBe(answered)
    expect(allocation.holding(failed)!.bytes).toBe(failed)
  })

  test('that is the store’s own, or too short for the pool, is nobody’s', () => {
    const allocation = new Allocation(newPool())
    allocation.allocate(2 * KIB)
    expect(allocation.holding(Buffer.alloc(2 * KIB))).toBeUndefined()
    const short = allocation.allocate(10)
    expect(short).toHaveLength(10)
    expect(allocation.holding(short)).toBeUndefined()
  })
})
