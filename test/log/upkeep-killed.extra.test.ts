/** Upkeep may be killed at any moment, again and again, while records come in: nothing is lost, doubled or left behind. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { openLog } from '../../lib/log/index.ts'
import { openFileObjects, openLmdbItems } from '../../lib/storage/local/index.ts'
import { Child } from '../support/child.ts'
import { runCli } from '../support/cli.ts'
import { readAll, send } from './rig.ts'
import type { KeeperOptions } from './upkeep-keeper.ts'

const PROGRAM = 'log/upkeep-keeper.ts'
const KILLS = 25
/** More, of processes that live ever longer, only until each kind of work was seen. */
const KILLS_MAX = 100
const JOBS = ['compact', 'retain', 'sweep']
const PARTITIONS = 3
/** Some batches are items, some objects. */
const SIZES = [10, 10, 3_000, 30_000]

test('kill -9 of upkeep, again and again, while records come in', { timeout: 240_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'varve-killed-'))
  const objects = await openFileObjects({ folder, random: systemRandom })
  const items = await openLmdbItems({ folder: join(folder, 'items'), clock: systemClock, random: systemRandom })
  const surroundings = { clock: systemClock, random: systemRandom, logger: silentLogger }
  const log = openLog({ objects, items, ...surroundings, flushBudget: Number.POSITIVE_INFINITY })
  try {
    const kept = await log.topics.create({ name: 'kept', partitions: PARTITIONS, configs: { 'retention.ms': '-1' } })
    const short = await log.topics.create({ name: 'short', partitions: 1, configs: { 'retention.bytes': '50000' } })
    const sent = Array.from({ length: PARTITIONS }, () => [] as string[])
    const shortSent: string[] = []
    let count = 0
    const append = async (batches: number) => {
      for (let i = 0; i < batches; i++) {
        const value = `${count++}`.padEnd(SIZES[count % SIZES.length]!, '.')
        const partition = count % PARTITIONS
        sent[partition]!.push(value)
        shortSent.push(value)
        const timestamp = Date.now()
        await Promise.all([
          send(log, kept, [value], { partition, timestamp }),
          send(log, short, [value], { timestamp }),
        ])
      }
    }
    await append(50)
    const done = new Set<string>()
    const wereSeen = () => JOBS.every(job => done.has(job))
    for (let kill = 0; kill < KILLS || (kill < KILLS_MAX && !wereSeen()); kill++) {
      const options: KeeperOptions = { folder, untilDone: false }
      const keeper = new Child(PROGRAM, options)
      try {
        // It has begun, or done something.
        await keeper.untilLines(1 + (kill % 4) + Math.max(0, kill - KILLS))
        await append(1 + Math.floor(Math.random() * 40))
      } finally {
        await keeper.kill()
      }
      for (const line of keeper.lines) done.add(line)
    }
    // Every kind of work was under way while they were killed.
    for (const job of JOBS) expect(done).toContain(job)
    const last = new Child(PROGRAM, { folder, untilDone: true } satisfies KeeperOptions)
    await last.untilEnd()
    const { code, stdout } = await runCli(['check', '--data', folder, '--orphans', '--json'])
    const lines = stdout.trim().split('\n')
    const summary = JSON.parse(lines.at(-1)!) as { checked: { extents: number }; found: Record<string, number> }
    expect({ code, findings: lines.slice(0, -1), found: summary.found }).toEqual({
      code: 0,
      findings: [],
      found: { damaged: 0, missing: 0, gap: 0, orphan: 0 },
    })
    expect(summary.checked.extents).toBeGreaterThan(PARTITIONS)
    for (let partition = 0; partition < PARTITIONS; partition++) {
      expect(await readAll(log, kept, partition)).toEqual(sent[partition])
    }
    const { offset: start } = await log.findOffset(short, 0, { at: 'earliest' })
    expect(start).toBeGreaterThan(0)
    expect(await readAll(log, short, 0, start)).toEqual(shortSent.slice(start))
  } finally {
    await log.close()
    await items.close()
    await objects.close()
    await rm(folder, { recursive: true })
  }
})
