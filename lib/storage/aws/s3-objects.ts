/**
 * ObjectStore on an S3 bucket, or on a prefix in it. Bodies are sent from the caller's parts, with a CRC-32 that S3
 * checks; they are not hashed a second time for the signature.
 */
import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { totalLength } from '../../base/index.ts'
import {
  type ByteRange,
  checkCount,
  checkObjectKey,
  checkPageLimit,
  DELETE_KEYS_MAX,
  MULTIPART_BYTES,
  type ObjectPage,
  type ObjectStore,
  type PutOptions,
  StoreError,
} from '../index.ts'
import { errorName, errorStatus, storeError } from './aws-errors.ts'
import { type AwsOptions, clientOptions } from './client-options.ts'
import { bodyOf, checksumOf, leavePayloadUnsigned } from './s3-body.ts'
import { type NewObject, partsOf, uploadParts } from './s3-multipart.ts'
import { S3Uploads } from './s3-uploads.ts'

const LIST_PAGE_MAX = 1_000

export interface S3ObjectsOptions {
  /** Closed with the store. */
  readonly client: S3Client
  readonly bucket: string
  /** Stands before every key with a `/` between; none: the whole bucket. */
  readonly prefix?: string
}

export function createS3Client(options: AwsOptions): S3Client {
  return new S3Client({
    ...clientOptions({ requestMsMax: 30_000, ...options }),
    forcePathStyle: options.endpoint !== undefined,
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
  })
}

/** Makes the bucket where it is missing. @throws StoreError */
export async function ensureBucket(client: S3Client, bucket: string): Promise<void> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }))
  } catch (error) {
    if (errorStatus(error) !== 404) throw storeError(`look for the bucket ${bucket}`, error, 'read')
    await createBucket(client, bucket)
  }
}

export function openS3Objects(options: S3ObjectsOptions): ObjectStore {
  return new S3Objects(options)
}

class S3Objects implements ObjectStore {
  readonly unfinishedPuts: S3Uploads
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string

  constructor({ client, bucket, prefix = '' }: S3ObjectsOptions) {
    this.#client = client
    this.#bucket = bucket
    this.#prefix = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
    this.unfinishedPuts = new S3Uploads(client, bucket, this.#prefix)
  }

  async put(key: string, parts: readonly Uint8Array[], options: PutOptions = {}): Promise<'created' | 'exists'> {
    const command = new PutObjectCommand({
      ...this.#target(key, options),
      Body: bodyOf(parts),
      ContentLength: totalLength(parts),
      ChecksumCRC32: checksumOf(parts),
      IfNoneMatch: '*',
    })
    leavePayloadUnsigned(command)
    try {
      await this.#client.send(command)
      return 'created'
    } catch (error) {
      if (errorStatus(error) === 412) return 'exists'
      throw storeError(`put ${key}`, error, 'write')
    }
  }

  async putStream(
    key: string,
    open: () => AsyncIterable<Uint8Array>,
    options: PutOptions = {},
  ): Promise<'created' | 'exists'> {
    const target = this.#target(key, options)
    const parts = partsOf(open())
    const first = await parts.next()
    if (first.done || totalLength(first.value) < MULTIPART_BYTES) return this.put(key, first.value ?? [], options)
    return uploadParts(this.#client, target, withFirst(first.value, parts))
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array | undefined> {
    const headers = range ? { Range: rangeHeader(range) } : {}
    try {
      const { Body } = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: this.#keyOf(key), ...headers }),
      )
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array()
      return range?.length === 0 ? new Uint8Array() : bytes
    } catch (error) {
      if (errorName(error) === 'NoSuchKey') return undefined
      if (errorStatus(error) === 416) return new Uint8Array()
      throw storeError(`get ${key}`, error, 'read')
    }
  }

  async list(prefix: string, options: { cursor?: string; limit?: number } = {}): Promise<ObjectPage> {
    const { cursor, limit = LIST_PAGE_MAX } = options
    checkPageLimit(limit, LIST_PAGE_MAX)
    try {
      const page = await this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: this.#prefix + prefix,
          MaxKeys: limit,
          // XML cannot hold every key. A server may leave keys as they are, and then does not repeat the word.
          EncodingType: 'url',
          ...(cursor === undefined ? {} : { ContinuationToken: cursor }),
        }),
      )
      const objects = (page.Contents ?? []).map(({ Key = '', Size = 0 }) => ({
        key: (page.EncodingType === 'url' ? decodeKey(Key) : Key).slice(this.#prefix.length),
        size: Size,
      }))
      return page.NextContinuationToken === undefined ? { objects } : { objects, cursor: page.NextContinuationToken }
    } catch (error) {
      throw storeError(`list ${prefix}`, error, 'read')
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    checkCount('keys to delete', keys.length, DELETE_KEYS_MAX)
    if (keys.length === 0) return
    const Objects = keys.map(key => ({ Key: this.#keyOf(key) }))
    try {
      const { Errors = [] } = await this.#client.send(
        new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } }),
      )
      const refused = Errors.filter(({ Code }) => Code !== 'NoSuchKey')
      if (refused.length > 0) throw partialFailure(refused[0]?.Code, refused.length, keys.length)
    } catch (error) {
      throw storeError(`delete ${keys.length} objects`, error, 'write')
    }
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  #target(key: string, { storageClass }: PutOptions): NewObject {
    return { Bucket: this.#bucket, Key: this.#keyOf(key), ...(storageClass && { StorageClass: storageClass }) }
  }

  #keyOf(key: string): string {
    checkObjectKey(key)
    checkObjectKey(this.#prefix + key)
    return this.#prefix + key
  }
}

async function createBucket(client: S3Client, bucket: string): Promise<void> {
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  } catch (error) {
    if (errorName(error) === 'BucketAlreadyOwnedByYou') return
    throw storeError(`make the bucket ${bucket}`, error, 'write')
  }
}

async function* withFirst<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first
  yield* rest
}

/** HTTP has no empty range: one byte is asked for and dropped. */
function rangeHeader({ from, length }: ByteRange): string {
  checkCount('first byte', from, Number.MAX_SAFE_INTEGER)
  checkCount('bytes', length, Number.MAX_SAFE_INTEGER)
  const last = from + Math.max(1, length) - 1
  return Number.isSafeInteger(last) ? `bytes=${from}-${last}` : `bytes=${from}-`
}

function decodeKey(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '))
}

/** Some keys are gone and some are not, perhaps yet: to delete all of them again is safe. */
function partialFailure(code: string | undefined, count: number, of: number): StoreError {
  const refused = code === 'AccessDenied'
  return new StoreError(
    refused ? 'STORE_REFUSED' : 'STORE_OUTCOME_UNKNOWN',
    `${count} of ${of} objects were not deleted: ${code}`,
  )
}
