import { expect, test } from 'vitest'
import { Followers } from '../../lib/log/append/followers.ts'
import { ManualClock } from '../support/manual-clock.ts'

const unknown = -1

test('who comes alone never waits', () => {
  const followers = new Followers(new ManualClock())
  followers.came(1)
  expect(followers.waitMs()).toBe(0)
  followers.expect([1], 0)
  followers.came(1)
  expect(followers.waitMs()).toBe(0)
})

test('after a commit a segment waits until as many batches came as were answered, for some milliseconds', async () => {
  const clock = new ManualClock()
  const followers = new Followers(clock)
  followers.expect([1, 1, 1], 2)
  expect(followers.waitMs()).toBe(4)
  followers.came(1)
  followers.came(1)
  expect(followers.waitMs()).toBe(4)
  followers.came(1)
  expect(followers.waitMs()).toBe(0)
  expect(followers.waitMs()).toBe(0)
  followers.expect([1, 1, 1, 1, 1], 0)
  followers.came(1)
  await clock.advance(3)
  expect(followers.waitMs()).toBe(1)
  await clock.advance(1)
  expect(followers.waitMs()).toBe(0)
})

test('only those who were answered are waited for', async () => {
  const clock = new ManualClock()
  const followers = new Followers(clock)
  followers.expect([1, 2], 0)
  for (let i = 0; i < 10; i++) followers.came(3)
  followers.came(1)
  expect(followers.waitMs()).toBe(4)
  followers.came(2)
  expect(followers.waitMs()).toBe(0)
})

test('of producers who do not say who they are anyone counts, and they wait for less', async () => {
  const clock = new ManualClock()
  const followers = new Followers(clock)
  followers.expect([1, unknown], 0)
  expect(followers.waitMs()).toBe(1)
  followers.came(7)
  followers.came(unknown)
  expect(followers.waitMs()).toBe(0)
})

test('who waited in vain waits ever more seldom, until somebody came again', async () => {
  const clock = new ManualClock()
  const followers = new Followers(clock)
  const commitsUntilWaiting = () => {
    for (let commits = 1; ; commits++) {
      followers.expect([1, 1, 1], 2)
      if (followers.waitMs() > 0) return commits
    }
  }
  const pauses: number[] = []
  for (let i = 0; i < 12; i++) {
    pauses.push(commitsUntilWaiting())
    await clock.advance(4)
    expect(followers.waitMs()).toBe(0)
  }
  expect(pauses.slice(0, 4)).toEqual([1, 5, 9, 17])
  expect(pauses.at(-1)).toBe(1_025)
  commitsUntilWaiting()
  for (let i = 0; i < 3; i++) followers.came(1)
  expect(followers.waitMs()).toBe(0)
  expect(commitsUntilWaiting()).toBe(1)
})
