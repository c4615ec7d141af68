import { expect, test } from 'vitest'
import { OverloadedError, Permits } from '../../lib/base/index.ts'

test('so many at once, the others in their order, whatever becomes of each', async () => {
  const permits = new Permits(2)
  const begun: number[] = []
  const works = Array.from({ length: 5 }, () => Promise.withResolvers<number>())
  const results = works.map(({ promise }, number) =>
    permits.run(() => {
      begun.push(number)
      return promise
    }),
  )
  const settle = (number: number, how: 'resolve' | 'reject') => {
    works[number]![how](number)
    return Promise.allSettled([results[number]!])
  }
  await undefined
  expect(begun).toEqual([0, 1])
  await settle(1, 'reject')
  expect(begun).toEqual([0, 1, 2])
  await settle(0, 'resolve')
  await settle(2, 'resolve')
  expect(begun).toEqual([0, 1, 2, 3, 4])
  await settle(3, 'resolve')
  await settle(4, 'resolve')
  expect((await Promise.allSettled(results)).map(({ status }) => status)).toEqual(
    [0, 1, 2, 3, 4].map(number => (number === 1 ? 'rejected' : 'fulfilled')),
  )
})

test('too many that wait are refused', async () => {
  const permits = new Permits(1, 1)
  const { promise, resolve } = Promise.withResolvers<void>()
  const running = [permits.run(() => promise), permits.run(() => promise)]
  await expect(permits.run(() => promise)).rejects.toThrow(OverloadedError)
  resolve()
  await Promise.all(running)
})
