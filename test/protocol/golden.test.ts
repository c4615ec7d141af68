/** Our bytes against Apache Kafka's own, for every API, version and direction (golden/GoldenFrames.java makes them). */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  apis,
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeEmbedded,
  decodeRequestHeader,
  decodeResponse,
  encodeEmbedded,
  encodeRequest,
  encodeResponse,
  type MessageType,
} from '../../lib/protocol/index.ts'
import { fills, sampleOf } from './golden/samples.ts'
import { expectedStruct, versionsOf } from './tables.ts'

const golden: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL('golden/kafka-4.4.0.json', import.meta.url), 'utf8'),
)
const hex = (parts: Uint8Array[]) => Buffer.concat(parts).toString('hex')
const correlationId = 42
const clientId = 'golden'

describe.each(apis.map(api => ({ title: api.name, api })))('$title', ({ title, api }) => {
  describe.each(versionsOf(api.request))('version %i', version => {
    it.each(fills)('request, %s', fill => {
      const body = sampleOf(api.request.fields, version, fill)
      const frame = golden[`${title}Request ${version} ${fill}`]!
      expect(hex(encodeRequest({ api, version, correlationId, clientId, body })).slice(8)).toBe(frame)
      const header = decodeRequestHeader(Buffer.from(frame, 'hex'))
      expect(header).toMatchObject({ version, correlationId, clientId })
      expect(header.api).toBe(api)
      expect(api.request.decode(header.body, version)).toEqual(expectedStruct(api.request.fields, version, body))
    })

    it.each(fills)('response, %s', fill => {
      const body = sampleOf(api.response.fields, version, fill)
      const frame = golden[`${title}Response ${version} ${fill}`]!
      expect(hex(encodeResponse({ api, version, correlationId, body })).slice(8)).toBe(frame)
      expect(decodeResponse(api, version, Buffer.from(frame, 'hex'))).toEqual({
        correlationId,
        body: expectedStruct(api.response.fields, version, body),
      })
    })
  })
})

const embedded: readonly { readonly title: string; readonly message: MessageType }[] = [
  { title: 'ConsumerProtocolSubscription', message: ConsumerProtocolSubscription },
  { title: 'ConsumerProtocolAssignment', message: ConsumerProtocolAssignment },
]

describe.each(embedded)('$title', ({ title, message }) => {
  describe.each(versionsOf(message))('version %i', version => {
    it.each(fills)('%s', fill => {
      const value = sampleOf(message.fields, version, fill)
      const bytes = golden[`${title} ${version} ${fill}`]!
      expect(hex([encodeEmbedded(message, version, value)])).toBe(bytes)
      expect(decodeEmbedded(message, Buffer.from(bytes, 'hex'))).toEqual(expectedStruct(message.fields, version, value))
    })
  })
})
