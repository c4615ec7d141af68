/** Producer ids, for clients that number their batches themselves. */
import * as z from 'zod'
import { jsonResponse, nothing, type Route, route } from '../route.ts'

export const producerRoute: Route = route({
  method: 'post',
  path: '/v1/producers',
  tag: 'Records',
  summary: 'Get a producer id',
  description:
    'With it, and a number for the first record of each request (Varve-Sequence: 0, then as many higher as there were records), ' +
    'requests to one partition may be repeated exactly: the log knows the last five batches again.',
  params: nothing,
  query: nothing,
  answers: {
    200: {
      description: 'One that nobody else has, ever.',
      content: { 'application/json': z.object({ producerId: z.int(), producerEpoch: z.int() }) },
    },
  },
  async handle({ demandSome }, { log }) {
    demandSome('produce')
    return jsonResponse({ producerId: await log.producerIds.next(), producerEpoch: 0 })
  },
})
