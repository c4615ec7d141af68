/** What the routes of REST Proxy v3 have in common: the one cluster, lists, links, errors. */
import * as z from 'zod'
import { HttpError } from '../errors.ts'
import type { HttpParts } from '../parts.ts'
import { type Call, jsonResponse } from '../route.ts'
import { confluentResponse } from './confluent-errors.ts'
import { anyQuery } from './v2-topic-routes.ts'

export const JSON_TYPE = 'application/json'
export const v3 = {
  tag: 'REST Proxy v3',
  query: anyQuery,
  refuse: (error: unknown, { logger }: HttpParts) => confluentResponse(error, logger, JSON_TYPE),
}
export const clusterParams = z.strictObject({ cluster: z.string() })
export const cluster = '/v3/clusters/{cluster}'

/** @throws HttpError NOT_FOUND */
export function checkCluster({ params }: Call<{ cluster: string }, unknown>, { clusterId }: HttpParts): void {
  if (params.cluster !== clusterId)
    throw new HttpError('NOT_FOUND', `there is no cluster ${params.cluster}: see /v3/clusters`)
}

export function listResponse(request: Request, data: readonly object[]): Response {
  return jsonResponse({
    kind: 'KafkaList',
    metadata: { ...selfOf(request, new URL(request.url).pathname), next: null },
    data,
  })
}

/** The link of a thing to itself. */
export function selfOf(request: Request, place: string): { self: string } {
  return { self: new URL(place, request.url).href }
}
