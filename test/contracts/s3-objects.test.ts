import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { createS3Client } from '../../lib/storage/aws/index.ts'
import { MULTIPART_BYTES } from '../../lib/storage/index.ts'
import { describeWith } from '../support/requirement.ts'
import { s3Server, startS3Server } from '../support/s3-server.ts'
import { addressOf, openObjects } from '../support/store-address.ts'
import { describeObjectStore, ODD_KEYS } from './object-store.ts'

/** versitygw keeps objects under their keys in a folder, so it takes no parts that are no file names; S3 does. */
const impossibleKeys = ODD_KEYS.filter(
  key =>
    key === 'odd/a' || key.split('/').some(part => ['', '.', '..'].includes(part) || Buffer.byteLength(part) > 255),
)

describeWith(s3Server, 'versitygw', () => {
  for (const prefix of [undefined, 'a prefix/of two parts']) {
    const name = prefix === undefined ? 'S3' : 'S3 under a prefix'
    describeObjectStore(name, () => makePlace(prefix), { impossibleKeys })
  }

  test('a storage class is taken, and told where the server keeps it, of an object in one piece and in parts', async () => {
    const { address, remove } = await makePlace(undefined)
    const store = await openObjects(address)
    const client = createS3Client(address.server)
    const storageClass = 'STANDARD_IA'
    const piece = Buffer.alloc(MULTIPART_BYTES / 2, 'x')
    const pieces = async function* () {
      for (let i = 0; i < 3; i++) yield piece
    }
    expect(await store.put('one', [Buffer.from('piece')], { storageClass })).toBe('created')
    expect(await store.putStream('parts', pieces, { storageClass })).toBe('created')
    expect(await store.get('one')).toEqual(new Uint8Array(Buffer.from('piece')))
    expect(await store.get('parts', { from: piece.length * 2, length: piece.length + 1 })).toHaveLength(piece.length)
    for (const Key of ['one', 'parts']) {
      const { StorageClass = 'not kept' } = await client.send(new HeadObjectCommand({ Bucket: address.bucket, Key }))
      expect(['not kept', 'STANDARD', storageClass]).toContain(StorageClass)
    }
    client.destroy()
    await store.close()
    await remove()
  })
})

async function makePlace(prefix: string | undefined) {
  const server = await startS3Server()
  const address = { kind: 's3', server: addressOf(server), bucket: 'varve', ...(prefix ? { prefix } : {}) } as const
  return { address, remove: () => server.stop() }
}
