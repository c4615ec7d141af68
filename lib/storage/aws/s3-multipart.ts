/**
 * A put of unknown length in parts (S3 "multipart upload"): each part is one request with its own checksum, and the object
 * appears under its key at the last, unless the key was taken. What fails is aborted, so that no parts stay and cost.
 * At most two parts are in memory: one is gathered while the one before is sent.
 */
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { totalLength } from '../../base/index.ts'
import { MULTIPART_BYTES, type StorageClass, StoreError } from '../index.ts'
import { errorStatus, storeError } from './aws-errors.ts'
import { bodyOf, checksumOf, leavePayloadUnsigned } from './s3-body.ts'

/** A part may be sent again without harm. */
const PART_ATTEMPTS_MAX = 3

interface UploadTarget {
  readonly Bucket: string
  readonly Key: string
}

export interface NewObject extends UploadTarget {
  readonly StorageClass?: StorageClass
}

/** The pieces of `source` put together to parts of MULTIPART_BYTES; the last may be shorter. */
export async function* partsOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let part: Uint8Array[] = []
  let room = MULTIPART_BYTES
  for await (const piece of source) {
    let rest = piece
    while (rest.length >= room) {
      part.push(rest.subarray(0, room))
      rest = rest.subarray(room)
      yield part
      part = []
      room = MULTIPART_BYTES
    }
    if (rest.length > 0) part.push(rest)
    room -= rest.length
  }
  if (part.length > 0) yield part
}

/** @throws StoreError, and what `parts` throws */
export async function uploadParts(
  client: S3Client,
  target: NewObject,
  parts: AsyncIterable<readonly Uint8Array[]>,
): Promise<'created' | 'exists'> {
  const upload = await begin(client, target)
  try {
    const sent = await sendParts(client, upload, parts)
    await client.send(
      new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: sent }, IfNoneMatch: '*' }),
    )
    return 'created'
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined)
    if (errorStatus(error) === 412) return 'exists'
    throw storeError(`put ${target.Key} in parts`, error, 'write')
  }
}

type Upload = UploadTarget & { readonly UploadId: string }

async function begin(client: S3Client, target: NewObject): Promise<Upload> {
  try {
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' }),
    )
    if (UploadId === undefined) throw new StoreError('STORE_UNAVAILABLE', `no upload was begun for ${target.Key}`)
    return { Bucket: target.Bucket, Key: target.Key, UploadId }
  } catch (error) {
    throw storeError(`begin to put ${target.Key}`, error, 'read')
  }
}

async function sendParts(
  client: S3Client,
  upload: Upload,
  parts: AsyncIterable<readonly Uint8Array[]>,
): Promise<CompletedPart[]> {
  const sent: CompletedPart[] = []
  let sending: Promise<CompletedPart> | undefined
  try {
    for await (const part of parts) {
      const before = sending && (await sending)
      if (before) sent.push(before)
      sending = sendPart(client, upload, sent.length + 1, part)
      sending.catch(() => undefined)
    }
    if (sending) sent.push(await sending)
    return sent
  } finally {
    await sending?.catch(() => undefined)
  }
}

async function sendPart(
  client: S3Client,
  upload: Upload,
  PartNumber: number,
  part: readonly Uint8Array[],
): Promise<CompletedPart> {
  const ChecksumCRC32 = checksumOf(part)
  const ContentLength = totalLength(part)
  for (let attempt = 1; ; attempt++) {
    const command = new UploadPartCommand({
      ...upload,
      Body: bodyOf(part),
      ContentLength,
      PartNumber,
      ChecksumCRC32,
    })
    leavePayloadUnsigned(command)
    try {
      const { ETag } = await client.send(command)
      return { ETag, PartNumber, ChecksumCRC32 }
    } catch (error) {
      const failure = storeError(`put part ${PartNumber} of ${upload.Key}`, error, 'read')
      if (attempt === PART_ATTEMPTS_MAX || failure.code === 'STORE_REFUSED') throw failure
    }
  }
}
