import { expect, test } from 'vitest'
import { systemRandom } from '../../lib/base/index.ts'
import { alterConfigs, ConfigError, groupConfigs, StoredConfigs } from '../../lib/configs/index.ts'
import { StoreError } from '../../lib/storage/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { memoryItems } from '../support/memory-stores.ts'

const session = 'consumer.session.timeout.ms'

function rig() {
  const clock = new ManualClock()
  const items = memoryItems()
  const open = () => new StoredConfigs({ items, clock, random: systemRandom })
  return { clock, items, open }
}

test('what is set is there for every process, in the time promised', async () => {
  const { clock, open } = rig()
  const [one, other] = [open(), open()]
  expect((await other.ofGroup('g')).consumer.sessionTimeoutMs).toBeUndefined()
  await one.change('group', 'g', configs => ({ ...configs, [session]: '50000' }))
  expect((await one.ofGroup('g')).consumer.sessionTimeoutMs).toBe(50_000)
  await clock.advance(10_000)
  expect((await other.ofGroup('g')).consumer.sessionTimeoutMs).toBe(50_000)
  expect(await open().get('group', 'g')).toEqual({ [session]: '50000' })
})

test('what has nothing set any more is not listed', async () => {
  const { open } = rig()
  const configs = open()
  await configs.change('group', 'b', () => ({ [session]: '50000' }))
  await configs.change('group', 'a', () => ({ [session]: '50000' }))
  await configs.change('client-metrics', 'c', () => ({ metrics: '*' }))
  expect(await configs.list('group')).toEqual(['a', 'b'])
  await configs.change('group', 'a', () => ({}))
  expect(await configs.list('group')).toEqual(['b'])
  expect(await configs.get('group', 'a')).toBeUndefined()
})

test('changes at the same time all count', async () => {
  const { open } = rig()
  const names = Array.from({ length: 20 }, (_, index) => `name-${index}`)
  await Promise.all(names.map(name => open().change('group', 'g', configs => ({ ...configs, [name]: '1' }))))
  expect(Object.keys((await open().get('group', 'g')) ?? {}).sort()).toEqual(names.sort())
})

test('a change whose answer was lost is made once', async () => {
  const { clock, items, open } = rig()
  let lost = 0
  const lossy = {
    ...items,
    write: async (operations: Parameters<typeof items.write>[0]) => {
      const outcome = await items.write(operations)
      if (lost++ === 0) throw new StoreError('STORE_OUTCOME_UNKNOWN', 'the answer was lost')
      return outcome
    },
  }
  const configs = new StoredConfigs({ items: lossy, clock, random: systemRandom })
  const tags = 'streams.rack.aware.assignment.tags'
  await configs.change('group', 'g', set =>
    alterConfigs(groupConfigs, set, [{ name: tags, operation: 'append', value: 'zone' }]),
  )
  expect(await open().get('group', 'g')).toEqual({ [tags]: 'zone' })
})

test('a refused change changes nothing', async () => {
  const { items, open } = rig()
  const refuse = () => {
    throw new ConfigError('INVALID_CONFIG', 'no')
  }
  await expect(open().change('group', 'g', refuse)).rejects.toThrow('no')
  expect(items.items.size).toBe(0)
})

test('a document of any size is refused before it is written', async () => {
  const { open } = rig()
  await expect(open().change('group', 'g', () => ({ a: 'x'.repeat(200_000) }))).rejects.toThrow(/longer than/)
})
