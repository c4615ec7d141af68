/**
 * Multipart uploads that a process has left: S3 keeps their parts, and bills them, until somebody aborts them. (A bucket may have a
 * lifecycle rule for that, as the CDK's has; others need not.)
 */
import { AbortMultipartUploadCommand, ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3'
import type { UnfinishedPut, UnfinishedPuts } from '../index.ts'
import { errorName, storeError } from './aws-errors.ts'

export class S3Uploads implements UnfinishedPuts {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string

  constructor(client: S3Client, bucket: string, prefix: string) {
    this.#client = client
    this.#bucket = bucket
    this.#prefix = prefix
  }

  /** @throws StoreError */
  async *list(): AsyncGenerator<UnfinishedPut> {
    let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {}
    for (;;) {
      const page = await this.#page(markers)
      for (const { Key = '', UploadId = '', Initiated } of page.Uploads ?? []) {
        // A server may leave the prefix unlooked at.
        if (!Key.startsWith(this.#prefix)) continue
        yield { key: Key.slice(this.#prefix.length), id: UploadId, begunAt: Initiated?.getTime() ?? 0 }
      }
      if (!page.IsTruncated || page.NextKeyMarker === undefined) return
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
    }
  }

  /** @throws StoreError */
  async giveUp({ key, id }: UnfinishedPut): Promise<void> {
    try {
      await this.#client.send(
        new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key: this.#prefix + key, UploadId: id }),
      )
    } catch (error) {
      if (errorName(error) === 'NoSuchUpload') return
      throw storeError(`give up the put of ${key}`, error, 'write')
    }
  }

  async #page(markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined }) {
    try {
      const where = { Bucket: this.#bucket, ...(this.#prefix !== '' && { Prefix: this.#prefix }) }
      return await this.#client.send(new ListMultipartUploadsCommand({ ...where, ...markers }))
    } catch (error) {
      throw storeError('list uploads', error, 'read')
    }
  }
}
