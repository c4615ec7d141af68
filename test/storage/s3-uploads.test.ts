/** What a killed process has left of a put in parts is found, told and given up; what is young, or another's, is left alone. */
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { openLog } from '../../lib/log/index.ts'
import { createS3Client, ensureBucket, openS3Objects } from '../../lib/storage/aws/index.ts'
import { meterObjects, retryObjects, StoreMeter } from '../../lib/storage/index.ts'
import { memoryItems } from '../support/memory-stores.ts'
import { describeWith } from '../support/requirement.ts'
import { type S3Server, s3Server, startS3Server } from '../support/s3-server.ts'
import { addressOf } from '../support/store-address.ts'
import { runJob } from '../support/upkeep-pass.ts'

const HOUR = 3_600_000
const BUCKET = 'varve'

describeWith(s3Server, 'puts that were left', () => {
  let server: S3Server
  let client: ReturnType<typeof createS3Client>
  beforeAll(async () => {
    server = await startS3Server()
    client = createS3Client(addressOf(server))
    await ensureBucket(client, BUCKET)
  })
  afterAll(async () => {
    client?.destroy()
    await server?.stop()
  })

  /** What a process has done when it is killed while it compacts. */
  async function leave(key: string): Promise<string> {
    const begun = await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: key }))
    const part = { Bucket: BUCKET, Key: key, UploadId: begun.UploadId, PartNumber: 1 }
    await client.send(new UploadPartCommand({ ...part, Body: Buffer.alloc(5 * 1_024 * 1_024) }))
    return begun.UploadId!
  }

  async function uploads(): Promise<string[]> {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))
    return Uploads.map(({ Key = '' }) => Key).sort()
  }

  test('are given up by upkeep when they are older than any put takes', async () => {
    const objects = openS3Objects({ client, bucket: BUCKET, prefix: 'ours' })
    const meter = new StoreMeter()
    const wrapped = retryObjects(meterObjects(objects, meter), {
      clock: systemClock,
      random: systemRandom,
      uniqueKeys: true,
    })
    let ahead = 0
    const clock = { now: () => systemClock.now() + ahead, monotonic: () => 0, sleep: async () => {} }
    const log = openLog({
      ...{ objects: wrapped, items: memoryItems(), clock, random: systemRandom, logger: silentLogger },
      flushBudget: Number.POSITIVE_INFINITY,
    })
    const job = log.upkeepJobs({ graceMs: 0 }).find(({ name }) => name === 'give-up-puts')!
    expect(await runJob(job)).toEqual([])
    await leave('ours/topics/x/0/0-a')
    await leave('ours/topics/x/0/0-b')
    await leave('theirs/topics/x/0/0-a')
    expect(await runJob(job)).toEqual([])
    ahead = 3 * HOUR
    const found = ['topics/x/0/0-a', 'topics/x/0/0-b']
    expect((await runJob(job, { dry: true })).map(({ what }) => what).sort()).toEqual(found)
    expect(await uploads()).toHaveLength(3)
    expect((await runJob(job)).map(({ what }) => what).sort()).toEqual(found)
    expect(await uploads()).toEqual(['theirs/topics/x/0/0-a'])
    expect(await runJob(job)).toEqual([])
    expect(meter.usage().objects.list).toBe(5)
  })

  test('that have ended meanwhile are no error', async () => {
    const objects = openS3Objects({ client, bucket: BUCKET })
    await objects.unfinishedPuts!.giveUp({ key: 'topics/x/0/0-c', id: await leave('topics/x/0/0-c'), begunAt: 0 })
    await objects.unfinishedPuts!.giveUp({ key: 'topics/x/0/0-c', id: 'gone', begunAt: 0 })
  })
})
