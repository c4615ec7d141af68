/** PublishedFiles below a prefix of an S3 bucket. A put replaces: S3 shows the old object or the new one, never a part. */
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { totalLength } from '../../base/index.ts'
import {
  checkPublishedName,
  DELETE_KEYS_MAX,
  type PublishedFiles,
  Retry,
  type RetryOptions,
  type StoreError,
} from '../index.ts'
import { storeError } from './aws-errors.ts'
import { bodyOf, checksumOf, leavePayloadUnsigned } from './s3-body.ts'
import { openS3Objects, type S3ObjectsOptions } from './s3-objects.ts'

/** Calls that fail for a while are tried again: all may be repeated. */
export function openPublishedBucket(options: S3ObjectsOptions, retry: RetryOptions): PublishedFiles {
  const { client, bucket, prefix = '' } = options
  const objects = openS3Objects(options)
  const attempt = new Retry(retry)
  const again = <T>(call: () => Promise<T>) => attempt.run(call, isTransient)
  const keyOf = (name: string) => {
    checkPublishedName(name)
    return prefix === '' ? name : `${prefix.replace(/\/$/, '')}/${name}`
  }
  return {
    put: (name, parts) => {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: keyOf(name),
        Body: bodyOf(parts),
        ContentLength: totalLength(parts),
        ChecksumCRC32: checksumOf(parts),
      })
      leavePayloadUnsigned(command)
      return again(async () => {
        await client.send(command).catch(error => {
          throw storeError(`put ${name}`, error, 'write')
        })
      })
    },
    get: name => again(() => objects.get(name)),
    list: async prefix => {
      const names: string[] = []
      let cursor: string | undefined
      do {
        const page = await again(() => objects.list(prefix, cursor === undefined ? {} : { cursor }))
        names.push(...page.objects.map(({ key }) => key))
        cursor = page.cursor
      } while (cursor !== undefined)
      return names
    },
    delete: async names => {
      for (let at = 0; at < names.length; at += DELETE_KEYS_MAX) {
        const some = names.slice(at, at + DELETE_KEYS_MAX)
        await again(() => objects.delete(some))
      }
    },
    uri: name => `s3://${bucket}/${keyOf(name)}`,
  }
}

function isTransient(error: StoreError): boolean {
  return error.code !== 'STORE_REFUSED'
}
