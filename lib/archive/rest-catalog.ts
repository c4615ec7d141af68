/**
 * A catalog that speaks the Iceberg REST Catalog Open API (`rest-catalog-open-api.yaml` of Apache Iceberg), as Amazon S3 Tables and AWS
 * Glue do too. One namespace of it is used, and made where it is missing.
 */
import { CorruptDataError } from '../base/index.ts'
import { type PublishedFiles, type Retry, StoreError } from '../storage/index.ts'
import { type CatalogMetadata, parseExact, readCatalogMetadata, writeExact } from './catalog-metadata.ts'
import type { TableCatalog, TableChange, TableShape } from './table-catalog.ts'

export interface CatalogRequest {
  readonly method: 'GET' | 'POST'
  /** Below the catalog's address, as `/v1/config?warehouse=…`. */
  readonly path: string
  readonly body?: string
}

export interface RestCatalogOptions {
  /** The catalog's address, without secrets. */
  readonly name: string
  /** '': the catalog's only one. */
  readonly warehouse: string
  readonly namespace: string
  /** Answers whatever the status. @throws StoreError where there is no answer */
  readonly send: (request: CatalogRequest) => Promise<{ readonly status: number; readonly text: string }>
  /** For what may be asked again. */
  readonly retry: Pick<Retry, 'run'>
  readonly filesAt: (location: string) => PublishedFiles
}

/** Of an error's text, which may be a page of HTML. */
const REASON_LENGTH_MAX = 300

export class RestCatalog implements TableCatalog {
  readonly name: string
  readonly #options: RestCatalogOptions
  #prefix: string | undefined

  constructor(options: RestCatalogOptions) {
    this.#options = options
    this.name = options.name
  }

  filesAt(location: string): PublishedFiles {
    return this.#options.filesAt(location)
  }

  async load(table: string): Promise<CatalogMetadata | undefined> {
    const answer = await this.#again('GET', await this.#path(`/tables/${encodeURIComponent(table)}`))
    return answer.status === 404 ? undefined : tableIn(answer.text)
  }

  async create(table: string, shape: TableShape): Promise<CatalogMetadata | undefined> {
    const path = await this.#path('/tables')
    const body = writeExact({
      name: table,
      schema: shape.schema,
      'partition-spec': { 'spec-id': 0, fields: shape.fields },
      'stage-create': false,
      properties: shape.properties,
    })
    let answer = await this.#send({ method: 'POST', path, body }, [404, 409])
    if (answer.status === 404) {
      const namespace = writeExact({ namespace: [this.#options.namespace], properties: {} })
      await this.#send({ method: 'POST', path: await this.#path(undefined), body: namespace }, [409])
      answer = await this.#send({ method: 'POST', path, body }, [409])
    }
    return answer.status === 409 ? undefined : tableIn(answer.text)
  }

  async commit(table: string, change: TableChange): Promise<string | undefined> {
    const path = await this.#path(`/tables/${encodeURIComponent(table)}`)
    const identifier = { namespace: [this.#options.namespace], name: table }
    const answer = await this.#send({ method: 'POST', path, body: writeExact({ identifier, ...change }) }, [409])
    return answer.status === 409 ? reasonIn(answer.text) : undefined
  }

  /** A path of the namespace; undefined: that of all namespaces. */
  async #path(rest: string | undefined): Promise<string> {
    this.#prefix ??= await this.#askPrefix()
    const namespaces = `/v1/${this.#prefix === '' ? '' : `${this.#prefix}/`}namespaces`
    return rest === undefined ? namespaces : `${namespaces}/${encodeURIComponent(this.#options.namespace)}${rest}`
  }

  /** What the catalog wants before all paths; S3 Tables has it encoded already. */
  async #askPrefix(): Promise<string> {
    const { warehouse } = this.#options
    const query = warehouse === '' ? '' : `?warehouse=${encodeURIComponent(warehouse)}`
    const answer = await this.#again('GET', `/v1/config${query}`)
    if (answer.status === 404) {
      throw new StoreError(
        'STORE_REFUSED',
        `${this.name} is no Iceberg REST catalog, or does not know the warehouse: it answers 404 to /v1/config${query}`,
      )
    }
    const config = readJson(answer.text) as {
      readonly [part in 'defaults' | 'overrides']?: { readonly prefix?: unknown }
    }
    const prefix = config.overrides?.prefix ?? config.defaults?.prefix ?? ''
    if (typeof prefix !== 'string') throw new CorruptDataError(`${this.name} tells a prefix that is no text`)
    return prefix.replace(/^\/+|\/+$/g, '')
  }

  #again(method: 'GET', path: string) {
    const call = () => this.#send({ method, path }, [404])
    return this.#options.retry.run(call, error => error.code !== 'STORE_REFUSED')
  }

  /** @throws StoreError for any status that is neither a success nor among those expected */
  async #send(request: CatalogRequest, expected: readonly number[]) {
    const answer = await this.#options.send(request)
    const { status } = answer
    if ((status >= 200 && status < 300) || expected.includes(status)) return answer
    const message = `${this.name} answered ${status} to ${request.method} ${request.path}: ${reasonIn(answer.text)}`
    if (status === 429) throw new StoreError('STORE_THROTTLED', message)
    if (status >= 500) throw new StoreError('STORE_OUTCOME_UNKNOWN', message)
    const advice = status === 401 || status === 403 ? '; see --archive-catalog for how Varve says who it is' : ''
    throw new StoreError('STORE_REFUSED', message + advice)
  }
}

function tableIn(text: string): CatalogMetadata {
  return readCatalogMetadata((readJson(text) as { readonly metadata?: unknown }).metadata)
}

/** @throws CorruptDataError */
function readJson(text: string): object {
  try {
    const value = parseExact(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {}
  throw new CorruptDataError(`a catalog answered with what is no JSON object: ${text.slice(0, REASON_LENGTH_MAX)}`)
}

function reasonIn(text: string): string {
  try {
    const { error } = JSON.parse(text)
    if (typeof error?.message === 'string')
      return `${error.type ?? ''} ${error.message}`.trim().slice(0, REASON_LENGTH_MAX)
  } catch {}
  return text.slice(0, REASON_LENGTH_MAX)
}
