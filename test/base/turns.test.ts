import { describe, expect, test } from 'vitest'
import { Turns } from '../../lib/base/index.ts'

/** Turns that come when the test says so. */
function byHand(bytesMax: number) {
  const deferred: (() => void)[] = []
  const turns = new Turns(bytesMax, run => deferred.push(run))
  const begun: string[] = []
  const take = (name: string, bytes: number) => {
    const turn = turns.take(bytes)
    if (turn) void turn.then(() => begun.push(name))
    else begun.push(name)
  }
  const next = async () => {
    for (const run of deferred.splice(0)) run()
    await undefined
    return begun.splice(0)
  }
  return { take, next, begun, deferred }
}

describe('bulk work', () => {
  test('begins at once while there is room in the turn, then in the turns that follow, in the order asked', async () => {
    const { take, next, begun } = byHand(10)
    for (const [name, bytes] of [
      ['a', 6],
      ['b', 6],
      ['c', 6],
      ['d', 1],
      ['e', 30],
      ['f', 1],
    ] as const) {
      take(name, bytes)
    }
    expect(begun.splice(0)).toEqual(['a', 'b'])
    expect(await next()).toEqual(['c', 'd', 'e'])
    take('g', 1)
    expect(await next()).toEqual(['f', 'g'])
    expect(await next()).toEqual([])
  })

  test('asks for no turn when nothing is done', async () => {
    const { take, next, deferred } = byHand(10)
    take('a', 1)
    expect(deferred).toHaveLength(1)
    await next()
    expect(deferred).toHaveLength(0)
    take('b', 100)
    expect(await next()).toEqual(['b'])
    expect(deferred).toHaveLength(0)
  })
})
