import { expect, test } from 'vitest'
import { Followers } from '../../lib/log/append/followers.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('who comes alone never waits', () => {
  const followers = new Followers(new ManualClock())
  expect(followers.waitMs(1)).toBe(0)
  followers.expect(1, 0)
  expect(followers.waitMs(1)).toBe(0)
})

test('after a commit a segment waits for as many batches as there were, for some milliseconds', async () => {
  const clock = new ManualClock()
  const followers = new Followers(clock)
  followers.expect(3, 2)
  expect(followers.waitMs(2)).toBe(4)
  expect(followers.waitMs(4)).toBe(4)
  expect(followers.waitMs(5)).toBe(0)
  expect(followers.waitMs(1)).toBe(0)
  followers.expect(5, 0)
  expect(followers.waitMs(1)).toBe(4)
  await clock.advance(3)
  expect(followers.waitMs(1)).toBe(1)
  await clock.advance(1)
  expect(followers.waitMs(2)).toBe(0)
})

test('who waited in vain waits ever more seldom, until somebody came again', async () => {
  const clock = new ManualClock()
  const followers = new Followers(clock)
  const commitsUntilWaiting = () => {
    for (let commits = 1; ; commits++) {
      followers.expect(3, 2)
      if (followers.waitMs(2) > 0) return commits
    }
  }
  const pauses: number[] = []
  for (let i = 0; i < 12; i++) {
    pauses.push(commitsUntilWaiting())
    await clock.advance(4)
    expect(followers.waitMs(2)).toBe(0)
  }
  expect(pauses.slice(0, 4)).toEqual([1, 5, 9, 17])
  expect(pauses.at(-1)).toBe(1_025)
  commitsUntilWaiting()
  expect(followers.waitMs(5)).toBe(0)
  expect(commitsUntilWaiting()).toBe(1)
})
