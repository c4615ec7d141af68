import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../lib/base/index.ts'
import { type CheckFinding, checkLog } from '../../lib/log/index.ts'
import { send } from './rig.ts'
import { HOUR, openUpkeepRig } from './upkeep-rig.ts'

async function filled() {
  const rig = openUpkeepRig()
  const log = rig.open()
  const topic = await log.topics.create({ name: 't', partitions: 2, configs: { 'retention.ms': '-1' } })
  const append = async (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const value = `${i}`.padEnd(i % 3 === 0 ? 300 : 1, '.')
      await send(log, topic, [value], { timestamp: rig.clock.now(), producerId: 1, baseSequence: i })
    }
  }
  await append(0, 20)
  await rig.clock.advance(3 * HOUR)
  await rig.runOnce({}, { only: ['compact'] })
  await append(20, 40)
  await rig.clock.advance(HOUR / 2)
  await rig.runOnce({ graceMs: 0 }, { only: ['sweep'] })
  const check = async (quick = false) => {
    const findings: CheckFinding[] = []
    const { objects, items, clock } = rig
    const onFinding = (finding: CheckFinding) => findings.push(finding)
    const onProgress = () => undefined
    const checked = await checkLog({ objects, items, clock, random: systemRandom, quick, onFinding, onProgress })
    return { checked, findings }
  }
  const itemKeys = (prefix: string) => [...rig.items.items.keys()].filter(key => key.startsWith(prefix))
  const objectKeys = (prefix: string) => [...rig.objects.blobs.keys()].filter(key => key.startsWith(prefix))
  return { ...rig, topic, check, itemKeys, objectKeys }
}

/** With one bit changed. */
function damaged(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at]! ^= 0x10
  return copy
}

describe('a check', () => {
  test('finds nothing wrong with what is whole, and has looked at all of it', async () => {
    const { check } = await filled()
    const { checked, findings } = await check()
    expect(findings).toEqual([])
    expect(checked).toMatchObject({ topics: 1, partitions: 2, segments: 20, extents: 1 })
    expect(checked.bytes).toBeGreaterThan(4_000)
    expect((await check(true)).findings).toEqual([])
  })

  test('finds a segment that is gone, and one that is damaged', async () => {
    const { check, objects, objectKeys, items, itemKeys } = await filled()
    const [first, second] = objectKeys('segments/') as [string, string]
    objects.blobs.set(second, damaged(objects.blobs.get(second)!, 100))
    objects.blobs.delete(first)
    const item = itemKeys('g#').find(key => items.items.get(key)!.value.length < 200)!
    items.items.delete(item)
    const { findings } = await check()
    expect(findings).toContainEqual({ kind: 'missing', what: first, why: 'a segment of t, shard 0' })
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'damaged', what: second }))
    expect(findings.filter(({ kind }) => kind === 'missing')).toHaveLength(2)
    expect((await check(true)).findings.map(({ kind }) => kind)).toEqual(['missing', 'missing'])
  })

  test('finds an extent that is gone or damaged, and a hole between extents and chunks', async () => {
    const { check, objects, objectKeys, items, itemKeys } = await filled()
    const [extent] = objectKeys('topics/') as [string]
    const bytes = objects.blobs.get(extent)!
    objects.blobs.set(extent, damaged(bytes, 70))
    expect((await check()).findings).toMatchObject([{ kind: 'damaged', what: extent }])
    objects.blobs.delete(extent)
    expect((await check()).findings).toMatchObject([{ kind: 'missing', what: extent }])
    objects.blobs.set(extent, bytes)
    items.items.delete(itemKeys('x#')[0]!)
    const { findings } = await check()
    expect(findings).toContainEqual({ kind: 'gap', what: 't/0', why: 'extents end at 0, not at 20' })
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'orphan', what: extent }))
  })

  test('finds a chunk that is gone, and a head that does not decode', async () => {
    const { check, items, itemKeys } = await filled()
    const chunk = itemKeys('s#').find(key => /[^0-9a-f]c#/.test(key))!
    items.items.delete(chunk)
    const { findings } = await check()
    expect(findings.some(({ kind, why }) => kind === 'gap' && /commits \d+ to \d+ are missing/.test(why))).toBe(true)
    const head = itemKeys('s#').find(key => key.endsWith('head'))!
    const item = items.items.get(head)!
    items.items.set(head, { ...item, value: item.value.slice(0, 20) })
    expect((await check()).findings).toContainEqual(expect.objectContaining({ kind: 'damaged' }))
    items.items.delete(head)
    expect((await check()).findings).toContainEqual(expect.objectContaining({ kind: 'missing', why: 'a shard of t' }))
  })

  test('names orphans, and not what is being written', async () => {
    const { check, objects, objectKeys, clock } = await filled()
    const [key] = objectKeys('segments/') as [string]
    const orphan = key.replace(/.{4}$/, 'ZZZZ')
    objects.blobs.set(orphan, new Uint8Array(5))
    expect((await check()).findings).toEqual([{ kind: 'orphan', what: orphan, why: 'nothing refers to it' }])
    clock.jump(-10 * HOUR)
    expect((await check()).findings).toEqual([])
  })
})
