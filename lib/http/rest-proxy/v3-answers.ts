/** What the routes of REST Proxy v3 have in common: the one cluster, things and lists of them with their links, errors. */
import * as z from 'zod'
import type { Topic } from '../../log/index.ts'
import { HttpError } from '../errors.ts'
import type { HttpParts } from '../parts.ts'
import { type Call, jsonResponse } from '../route.ts'
import { usableTopic } from '../topic-routes.ts'
import { confluentResponse } from './confluent-errors.ts'
import { anyQuery } from './v2-topic-routes.ts'

export const JSON_TYPE = 'application/json'
export const v3 = {
  tag: 'REST Proxy v3',
  query: anyQuery,
  refuse: (error: unknown, { logger }: HttpParts) => confluentResponse(error, logger, JSON_TYPE),
}
export const clusterParams = z.strictObject({ cluster: z.string() })
export const topicParams = clusterParams.extend({ topic: z.string() })
export const cluster = '/v3/clusters/{cluster}'

/** Whichever process answers is the one broker that there is, as v2 has it. */
export const BROKER = 1

/** @throws HttpError NOT_FOUND */
export function checkCluster({ params }: Call<{ cluster: string }, unknown>, { clusterId }: HttpParts): void {
  if (params.cluster !== clusterId)
    throw new HttpError('NOT_FOUND', `there is no cluster ${params.cluster}: see /v3/clusters`)
}

/** @throws HttpError NOT_FOUND, FORBIDDEN; LogError UNKNOWN_TOPIC */
export async function topicInCluster(
  call: Call<{ cluster: string; topic: string }, unknown>,
  parts: HttpParts,
): Promise<Topic> {
  checkCluster(call, parts)
  return usableTopic(call, parts)
}

/** Things of the cluster as an answer to `request` tells them. */
export class Resources {
  readonly #request: Request
  readonly #clusterId: string

  constructor(request: Request, { clusterId }: Pick<HttpParts, 'clusterId'>) {
    this.#request = request
    this.#clusterId = clusterId
  }

  /** `names`: where it is below the cluster, such as `topics`, its name, `partitions`, its number. */
  one(kind: string, names: readonly (string | number)[], members: object): object {
    const resource = names.map((name, index) => {
      return index % 2 === 1 ? `=${encodeURIComponent(name)}` : `/${String(name).replace(/s$/, '')}`
    })
    const metadata = { self: this.#at(names), resource_name: `crn:///kafka=${this.#clusterId}${resource.join('')}` }
    return { kind: `Kafka${kind}`, metadata, cluster_id: this.#clusterId, ...members }
  }

  related(...names: readonly (string | number)[]): { readonly related: string } {
    return { related: this.#at(names) }
  }

  /** `kind`: of each of them. */
  list(kind: string, data: readonly object[]): Response {
    const self = new URL(new URL(this.#request.url).pathname, this.#request.url).href
    return jsonResponse({ kind: `Kafka${kind}List`, metadata: { self, next: null }, data })
  }

  #at(names: readonly (string | number)[]): string {
    return new URL(`/v3/clusters/${[this.#clusterId, ...names].map(encodeURIComponent).join('/')}`, this.#request.url)
      .href
  }
}
