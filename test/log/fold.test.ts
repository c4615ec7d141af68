import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../lib/base/index.ts'
import type { Commit } from '../../lib/log/head/commit.ts'
import { Fold } from '../../lib/log/producers/fold.ts'
import { decodeFold, encodeFold } from '../../lib/log/producers/snapshot.ts'
import { SegmentIds } from '../../lib/log/segment/segment-id.ts'
import { ManualClock, openRig, send } from './rig.ts'

const HOUR_MS = 3_600_000

describe('the fold', () => {
  test('is the same from a snapshot as from the commits, though producers were dropped between', () => {
    const clock = new ManualClock()
    const ids = new SegmentIds(clock, systemRandom)
    let baseOffset = 0
    const commitOf = (producerId: number, baseSequence: number): Commit => ({
      segment: { id: ids.next(), medium: 'item' },
      markers: [],
      slices: [
        {
          slot: 0,
          position: 0,
          length: 1,
          baseOffset: baseOffset++,
          records: 1,
          maxTimestamp: 0,
          runs: [{ producerId, producerEpoch: 0, transaction: 0, offsetDelta: 0, baseSequence, counts: [1] }],
        },
      ],
    })
    const live = new Fold()
    live.apply(commitOf(1, 0))
    live.apply(commitOf(2, 0))
    clock.jump(25 * HOUR_MS)
    live.apply(commitOf(3, 0))
    const snapshot = encodeFold(live, live.time)
    const snapshotTime = live.time
    const loaded = decodeFold(snapshot)
    // The snapshot comes into the head some commits after those that it covers.
    const between = commitOf(1, 1)
    live.apply(between)
    loaded.apply(between)
    live.expire(snapshotTime)
    loaded.expire(snapshotTime)
    expect(statesOf(live)).toEqual(statesOf(loaded))
  })

  test('a producer at work is not forgotten because the clock of another process is a day ahead', async () => {
    const { open } = openRig()
    const ahead = new ManualClock()
    ahead.jump(30 * HOUR_MS)
    const [log, other] = [open(), open({ clock: ahead })]
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    let baseSequence = 0
    for (let i = 0; i < 1_200; i++) {
      await send(other, topic, ['x'])
      if (i % 100 === 0) await send(log, topic, ['a'], { producerId: 7, baseSequence: baseSequence++ })
    }
    const again = await send(log, topic, ['a'], { producerId: 7, baseSequence: baseSequence - 1 })
    expect(again).toMatchObject({ duplicate: true })
    expect(await send(log, topic, ['b'], { producerId: 7, baseSequence })).toMatchObject({ duplicate: false })
  })
})

function statesOf(fold: Fold) {
  return [...fold.entries()].toSorted((a, b) => a.producerId - b.producerId)
}
