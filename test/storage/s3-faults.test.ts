/** What S3 says where no emulator says it, and what is sent. */
import { expect, test } from 'vitest'
import { createS3Client, openS3Objects } from '../../lib/storage/aws/index.ts'
import type { ObjectStore } from '../../lib/storage/index.ts'
import { describeWith } from '../support/requirement.ts'
import { s3Server, startS3Server } from '../support/s3-server.ts'
import { openObjects } from '../support/store-address.ts'
import { type CannedAnswer, startCannedServer } from './canned-server.ts'

const credentials = { accessKeyId: 'testtest', secretAccessKey: 'testtest' }
const body = Buffer.from('body')

const throttled = { code: 'STORE_THROTTLED', effect: 'none' }
const unavailable = { code: 'STORE_UNAVAILABLE', effect: 'none' }
const refused = { code: 'STORE_REFUSED', effect: 'none' }
const unknown = { code: 'STORE_OUTCOME_UNKNOWN', effect: 'unknown' }

const puts: [string, CannedAnswer, object][] = [
  ['slow down', failure(503, 'SlowDown'), throttled],
  ['another put at work', failure(409, 'ConditionalRequestConflict'), unavailable],
  ['not received in time', failure(400, 'RequestTimeout'), unavailable],
  ['no such bucket', failure(404, 'NoSuchBucket'), refused],
  ['a wrong checksum', failure(400, 'BadDigest'), refused],
  ['a server error', failure(500, 'InternalError'), unknown],
  ['cut', 'cut', unknown],
  ['silence', 'silence', unknown],
]
test.each(puts)('a put, %s: sent once', async (_name, answer, expected) => {
  await using server = await startCannedServer([answer, { status: 200, body: '' }])
  const store = open(server.endpoint)
  await expect(store.put('key', [body])).rejects.toMatchObject(expected)
  expect(server.requests).toHaveLength(1)
  await store.close()
})

test('a put carries its condition and a checksum that S3 verifies', async () => {
  await using server = await startCannedServer([{ status: 200, body: '' }])
  const store = open(server.endpoint)
  await store.put('key', [Buffer.from('1234'), Buffer.from('56789')])
  const [request] = server.requests
  expect(request?.body).toBe('123456789')
  expect(request?.headers).toMatchObject({
    'if-none-match': '*',
    'content-length': '9',
    // The check value of CRC-32: 0xcbf43926.
    'x-amz-checksum-crc32': 'y/Q5Jg==',
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
  })
  await store.close()
})

test('a put says its storage class, and none where it has none', async () => {
  await using server = await startCannedServer([{ status: 200, body: '' }])
  const store = open(server.endpoint)
  await store.put('old', [body], { storageClass: 'GLACIER_IR' })
  await store.put('new', [body])
  expect(server.requests.map(({ headers }) => headers['x-amz-storage-class'])).toEqual(['GLACIER_IR', undefined])
  await store.close()
})

const reads: [string, CannedAnswer, object][] = [
  ['slow down', failure(503, 'SlowDown'), throttled],
  ['a server error', failure(500, 'InternalError'), unavailable],
  ['no such bucket', failure(404, 'NoSuchBucket'), refused],
  ['cut', 'cut', unavailable],
  ['silence', 'silence', unavailable],
  ['cut in the body', { status: 200, body: 'half', headers: { 'content-length': '8' } }, unavailable],
]
test.each(reads)('a get, %s', async (_name, answer, expected) => {
  await using server = await startCannedServer([answer])
  const store = open(server.endpoint)
  await expect(store.get('key')).rejects.toMatchObject(expected)
  await store.close()
})

const deletions: [string, string[], object | undefined][] = [
  ['all deleted', [], undefined],
  ['one was not there', ['NoSuchKey'], undefined],
  ['one failed', ['InternalError'], unknown],
  ['one is forbidden', ['AccessDenied'], refused],
]
test.each(deletions)('a delete, %s', async (_name, codes, expected) => {
  const errors = codes.map(code => `<Error><Key>a</Key><Code>${code}</Code></Error>`).join('')
  await using server = await startCannedServer([{ status: 200, body: `<DeleteResult>${errors}</DeleteResult>` }])
  const store = open(server.endpoint)
  if (expected) await expect(store.delete(['a', 'b'])).rejects.toMatchObject(expected)
  else await store.delete(['a', 'b'])
  expect(server.requests).toHaveLength(1)
  await store.close()
})

test('keys are decoded where the server encoded them', async () => {
  const listing = `<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>pre%2Ffix/a+b%2Bc%25%01</Key><Size>3</Size></Contents></ListBucketResult>`
  await using server = await startCannedServer([{ status: 200, body: listing }])
  const store = open(server.endpoint)
  expect(await store.list('')).toEqual({ objects: [{ key: 'pre/fix/a b+c%\u0001', size: 3 }] })
  await store.close()
})

describeWith(s3Server, 'versitygw, stopped and killed', () => {
  test('a frozen server, a killed one, and all that was acknowledged after', { timeout: 60_000 }, async () => {
    const server = await startS3Server()
    try {
      const setUp = await openObjects({ kind: 's3', server, bucket: 'varve' })
      expect(await setUp.put('key', [body])).toBe('created')
      await setUp.close()

      const store = open(server.endpoint, 'varve')
      await server.freeze()
      await expect(store.put('other', [body])).rejects.toMatchObject(unknown)
      await expect(store.get('key')).rejects.toMatchObject(unavailable)
      await server.kill()
      await expect(store.put('other', [body])).rejects.toMatchObject(unavailable)
      await store.close()

      await server.start()
      const again = await openObjects({ kind: 's3', server, bucket: 'varve' })
      expect(Buffer.from((await again.get('key'))!)).toEqual(body)
      await again.close()
    } finally {
      await server.stop()
    }
  })
})

function open(endpoint: string, bucket = 'bucket'): ObjectStore {
  return openS3Objects({ client: createS3Client({ endpoint, credentials, requestMsMax: 500 }), bucket })
}

function failure(status: number, code: string): CannedAnswer {
  return { status, body: `<Error><Code>${code}</Code><Message>${code}</Message></Error>` }
}
