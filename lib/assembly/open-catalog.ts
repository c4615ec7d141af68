/** The catalog of archives, over HTTP, and the files of its tables, wherever it says that they are. */
import { type CatalogRequest, RestCatalog, type TableCatalog } from '../archive/index.ts'
import type { Clock, Random } from '../base/index.ts'
import type { SignedService, SignRequest } from '../storage/aws/index.ts'
import { type PublishedFiles, Retry, StoreError } from '../storage/index.ts'
import type { CatalogLocation } from './catalog-location.ts'

export interface CatalogSurroundings {
  readonly clock: Clock
  readonly random: Random
  /** Of requests to an AWS service; its code is loaded where it is used. */
  readonly signerOf: (service: SignedService) => Promise<SignRequest>
  /** The files of a table by its location, where there is a store for that. */
  readonly filesAt: (location: string) => PublishedFiles | undefined
}

/** A catalog may read and write files of its own before it answers. */
const ANSWER_MS_MAX = 30_000

/** Nothing is asked before a topic is archived. */
export function openCatalog(location: CatalogLocation, surroundings: CatalogSurroundings): TableCatalog {
  const { url, warehouse, namespace, sigv4, token } = location
  let sign: SignRequest | undefined
  const send = async ({ method, path, body = '' }: CatalogRequest) => {
    const target = new URL(`${url}${path}`)
    const headers = {
      accept: 'application/json',
      ...(body === '' ? {} : { 'content-type': 'application/json' }),
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    }
    try {
      if (sigv4) sign ??= await surroundings.signerOf(signing(sigv4))
      const answer = await fetch(target, {
        method,
        headers: sign ? await sign({ method, url: target, headers, body }) : headers,
        ...(body === '' ? {} : { body }),
        // Who answers with another place would be told the token.
        redirect: 'manual',
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      })
      return { status: answer.status, text: await answer.text() }
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      const reason = cause instanceof Error ? cause.message : cause
      throw new StoreError('STORE_OUTCOME_UNKNOWN', `no answer from the catalog ${url}: ${reason}`, { cause: error })
    }
  }
  const filesAt = (place: string) => {
    const files = surroundings.filesAt(place)
    if (files) return files
    throw new StoreError('STORE_REFUSED', `the catalog ${url} keeps a table at ${place}, where Varve cannot write`)
  }
  return new RestCatalog({ name: url, warehouse, namespace, send, filesAt, retry: new Retry(surroundings) })
}

function signing({ service, region }: NonNullable<CatalogLocation['sigv4']>) {
  return { service, ...(region ? { region } : {}) }
}

/** The files of a table in S3; undefined: it is not there. */
export function bucketFiles(
  place: string,
  open: (bucket: string, prefix: string) => PublishedFiles,
): PublishedFiles | undefined {
  const [, bucket, prefix] = /^s3a?:\/\/([^/]+)(?:\/(.*))?$/.exec(place) ?? []
  return bucket === undefined ? undefined : open(bucket, prefix ?? '')
}
