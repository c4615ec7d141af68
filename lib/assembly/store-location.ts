/** Where the stores are, as URLs say it: `file:DIR`, `s3://BUCKET/PREFIX?…`, `lmdb:DIR`, `dynamodb://TABLE?…`. */
import { resolve } from 'node:path'
import { ConfigError } from './config-error.ts'

export type ObjectsLocation =
  | { readonly kind: 'file'; readonly folder: string }
  | ({ readonly kind: 's3'; readonly bucket: string; readonly prefix: string } & ServicePlace)

export type ItemsLocation =
  | { readonly kind: 'lmdb'; readonly folder: string }
  | ({ readonly kind: 'dynamodb'; readonly table: string } & ServicePlace)

/** Undefined: as the AWS SDK finds it in the environment. An endpoint is an emulator's, where bucket and table are made. */
export interface ServicePlace {
  readonly endpoint: string | undefined
  readonly region: string | undefined
}

/** @throws ConfigError */
export function readObjectsLocation(text: string): ObjectsLocation {
  const folder = folderOf(text, 'file:')
  if (folder !== undefined) return { kind: 'file', folder }
  const url = serviceUrlOf(text, 's3:')
  if (!url) {
    throw new ConfigError(`--objects must be file:DIR or s3://BUCKET/PREFIX, but is ${JSON.stringify(text)}.`)
  }
  return { kind: 's3', bucket: url.hostname, prefix: url.pathname.replace(/^\/+|\/+$/g, ''), ...placeOf(url) }
}

/** @throws ConfigError */
export function readItemsLocation(text: string): ItemsLocation {
  const folder = folderOf(text, 'lmdb:')
  if (folder !== undefined) return { kind: 'lmdb', folder }
  const url = serviceUrlOf(text, 'dynamodb:')
  if (!url) throw new ConfigError(`--items must be lmdb:DIR or dynamodb://TABLE, but is ${JSON.stringify(text)}.`)
  // The name's case counts, which URL.hostname keeps for schemes that it does not know.
  return { kind: 'dynamodb', table: url.hostname, ...placeOf(url) }
}

function folderOf(text: string, scheme: string): string | undefined {
  if (!text.startsWith(scheme)) return undefined
  const path = text.slice(scheme.length).replace(/^\/\/(?=\/)/, '')
  if (path === '') throw new ConfigError(`${scheme} needs a folder, such as ${scheme}./.varve.`)
  return resolve(path)
}

function serviceUrlOf(text: string, scheme: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url?.protocol === scheme && url.hostname !== '' ? url : undefined
}

function placeOf(url: URL): ServicePlace {
  for (const name of url.searchParams.keys()) {
    if (name !== 'endpoint' && name !== 'region') {
      throw new ConfigError(`${url.protocol}// knows the parameters endpoint and region, not ${JSON.stringify(name)}.`)
    }
  }
  const endpoint = url.searchParams.get('endpoint') ?? undefined
  if (endpoint !== undefined && !URL.canParse(endpoint)) {
    throw new ConfigError(`endpoint must be a URL, such as http://127.0.0.1:4566, but is ${JSON.stringify(endpoint)}.`)
  }
  return { endpoint, region: url.searchParams.get('region') ?? undefined }
}
