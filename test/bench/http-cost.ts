/**
 * `npm run bench:http`: what producing over HTTP costs on AWS, by list price: the requests to the stores, counted while the real app and the
 * real engine serve them (stores in memory, so nothing is measured in time), what a segment costs later, and the function.
 */
import { silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { Groups } from '../../lib/groups/index.ts'
import { createHttpApp } from '../../lib/http/index.ts'
import { openLog } from '../../lib/log/index.ts'
import {
  meterItems,
  meterObjects,
  objectPrices,
  priceOfItemRead,
  priceOfItemWrite,
  StoreMeter,
} from '../../lib/storage/index.ts'
import { memoryItems, memoryObjects } from '../support/memory-stores.ts'
import { openSubscriptions } from '../support/subscriptions.ts'

const requests = 2_000
const valueBytes = 1_024
/**
 * Function on arm64, us-east-1, with the memory that `VarveLog` gives it. What it waits for the stores is what it is billed for: assumed,
 * for nothing here is AWS.
 */
const lambda = { dollarsARequest: 0.2e-6, dollarsAGbSecond: 13.3334e-6, memoryGb: 0.5, billedMs: 25 }

interface Case {
  readonly name: string
  readonly records: number
  readonly headers: (request: number) => Record<string, string>
}

const cases: readonly Case[] = [
  { name: 'one record', records: 1, headers: () => ({}) },
  { name: 'one record, Idempotency-Key', records: 1, headers: request => ({ 'idempotency-key': `key ${request}` }) },
  { name: 'an array of 100', records: 100, headers: () => ({}) },
]

async function measure({ name, records, headers }: Case): Promise<void> {
  const meter = new StoreMeter()
  const items = meterItems(memoryItems(), meter)
  const objects = meterObjects(memoryObjects(), meter)
  const common = { items, objects, clock: systemClock, random: systemRandom, logger: silentLogger }
  const log = openLog({ ...common, flushBudget: Number.POSITIVE_INFINITY })
  const app = createHttpApp({
    ...common,
    log,
    subscriptions: openSubscriptions({ ...common, log }),
    groups: new Groups({ ...common, topics: log.topics }),
    autoCreateTopics: true,
    defaultPartitions: 1,
    closing: new AbortController().signal,
    access: { kind: 'open', loopback: true },
  })
  const body = JSON.stringify(Array.from({ length: records }, () => ({ value: 'x'.repeat(valueBytes - 2) })))
  const send = async (request: number) => {
    const answer = await app.request('/v1/topics/t/records', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers(request) },
      body,
    })
    if (answer.status !== 200) throw new Error(`status ${answer.status}: ${await answer.text()}`)
    await answer.arrayBuffer()
  }
  await send(-1)
  const before = meter.usage()
  for (let request = 0; request < requests; request++) await send(request)
  const after = meter.usage()
  await log.close()
  const each = (of: (usage: typeof after) => number) => (of(after) - of(before)) / requests
  const puts = each(usage => usage.objects.put)
  const stores = each(usage => usage.dollars)
  // An item segment is read once more and deleted when it is compacted; an object is read.
  const segment = valueBytes * records + 200
  const later = puts * objectPrices.get + Math.max(0, 1 - puts) * (priceOfItemRead(segment) + priceOfItemWrite(segment))
  const compute = lambda.dollarsARequest + (lambda.dollarsAGbSecond * lambda.memoryGb * lambda.billedMs) / 1_000
  const perMillion = (dollars: number) => `$${(dollars * 1e6).toFixed(2)}`
  console.log(
    [
      `${name}, values of ${valueBytes} bytes, a million requests (${records} million records):`,
      `  a request: ${each(usage => usage.items.write).toFixed(2)} item writes (${each(usage => usage.writeUnits).toFixed(2)} units), ` +
        `${each(usage => usage.items.get + usage.items.query).toFixed(2)} item reads (${each(usage => usage.readUnits).toFixed(2)} units), ` +
        `${puts.toFixed(2)} object puts, ${each(usage => usage.objects.get).toFixed(2)} object gets`,
      `  stores ${perMillion(stores)}, later (compaction) ${perMillion(later)}, function ${perMillion(compute)} ` +
        `(${lambda.billedMs} ms at ${lambda.memoryGb * 1_024} MB, assumed)`,
      `  all in ${perMillion(stores + later + compute)} a million requests, ${perMillion((stores + later + compute) / records)} a million records`,
    ].join('\n'),
  )
}

for (const each of cases) await measure(each)
