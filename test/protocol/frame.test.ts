import { describe, expect, it } from 'vitest'
import {
  ApiVersions,
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeEmbedded,
  decodeRequestHeader,
  decodeResponse,
  encodeEmbedded,
  encodeRequest,
  encodeResponse,
  Fetch,
  Metadata,
  ProtocolError,
} from '../../lib/protocol/index.ts'

const hex = (parts: Uint8Array[]) => Buffer.concat(parts).toString('hex')
const fromHex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const metadata = { topics: null, allowAutoTopicCreation: true }

describe('a request frame', () => {
  it('has its size, then header version 1, then the body', () => {
    const frame = encodeRequest({ api: Metadata, version: 4, correlationId: 7, clientId: 'me', body: metadata })
    expect(hex(frame)).toBe('00000011 0003 0004 00000007 0002 6d65 ffffffff 01'.replaceAll(' ', ''))
  })

  it('has header version 2 in flexible versions, its client id not compact', () => {
    const frame = encodeRequest({ api: Metadata, version: 9, correlationId: 7, clientId: null, body: metadata })
    expect(hex(frame)).toBe('00000010 0003 0009 00000007 ffff 00 00 01 00 00 00'.replaceAll(' ', ''))
  })

  it('is decoded in two steps: header, then body', () => {
    for (const [version, clientId] of [
      [4, 'me'],
      [9, null],
    ] as const) {
      const [frame] = encodeRequest({ api: Metadata, version, correlationId: -7, clientId, body: metadata })
      const header = decodeRequestHeader(frame!.subarray(4))
      expect(header).toMatchObject({ version, correlationId: -7, clientId })
      expect(header.api).toBe(Metadata)
      expect(Metadata.request.decode(header.body, version)).toMatchObject(metadata)
    }
  })

  it('may have tagged fields in its header that nobody knows', () => {
    const header = decodeRequestHeader(fromHex('0012 0003 00000001 ffff 01 05 02 abcd 0261 0262 00'))
    expect(ApiVersions.request.decode(header.body, 3)).toMatchObject({
      clientSoftwareName: 'a',
      clientSoftwareVersion: 'b',
    })
  })

  it('of a version that is not there still gives its header, so that it can be answered', () => {
    const header = decodeRequestHeader(fromHex('0012 0063 00000001 0001 61 00 ffff'))
    expect(header).toMatchObject({ api: ApiVersions, version: 99, correlationId: 1, clientId: 'a' })
    expect(() => header.api.request.decode(header.body, 99)).toThrow(ProtocolError)
  })

  it('of an API that is not there is refused', () => {
    const decode = () => decodeRequestHeader(fromHex('03e7 0000 00000001 ffff'))
    expect(decode).toThrow(expect.objectContaining({ code: 'UNKNOWN_API' }))
  })

  it('cut in its header is refused', () => {
    const whole = fromHex('0003 0009 00000007 0002 6d65 00')
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeRequestHeader(whole.subarray(0, length))).toThrow(ProtocolError)
    }
  })
})

describe('a response frame', () => {
  it('has its size, then header version 0, or 1 in flexible versions', () => {
    const body = { brokers: [], controllerId: 1, topics: [] }
    const frameOf = (version: number) => hex(encodeResponse({ api: Metadata, version, correlationId: 7, body }))
    expect(frameOf(1)).toBe('00000010 00000007 00000000 00000001 00000000'.replaceAll(' ', ''))
    expect(frameOf(12).slice(8)).toBe('00000007 00 00000000 01 00 00000001 01 00'.replaceAll(' ', ''))
  })

  it('of ApiVersions never has a flexible header', () => {
    const body = { errorCode: 0, apiKeys: [] }
    const [frame] = encodeResponse({ api: ApiVersions, version: 3, correlationId: 7, body })
    expect(hex([frame!])).toBe('0000000c 00000007 0000 01 00000000 00'.replaceAll(' ', ''))
    expect(decodeResponse(ApiVersions, 3, frame!.subarray(4))).toMatchObject({ correlationId: 7, body })
  })

  it('carries record batches by reference', () => {
    const batches = [Buffer.alloc(2_000, 1), Buffer.alloc(3_000, 2)]
    const partition = {
      partitionIndex: 0,
      errorCode: 0,
      highWatermark: 5,
      lastStableOffset: 5,
      abortedTransactions: null,
    }
    const responses = [{ topic: 'flights', partitions: [{ ...partition, records: batches }] }]
    const frame = encodeResponse({ api: Fetch, version: 12, correlationId: 7, body: { throttleTimeMs: 0, responses } })
    expect(frame.filter(part => batches.includes(part as Buffer<ArrayBuffer>))).toHaveLength(2)
    const bytes = Buffer.concat(frame)
    expect(bytes.readInt32BE(0)).toBe(bytes.length - 4)
    const { body } = decodeResponse(Fetch, 12, bytes.subarray(4))
    expect(body.responses[0]?.partitions[0]?.records).toEqual(Buffer.concat(batches))
  })
})

describe('a message embedded in bytes', () => {
  it('has its version first', () => {
    const assignment = { assignedPartitions: [{ topic: 'a', partitions: [0, 1] }], userData: null }
    const bytes = encodeEmbedded(ConsumerProtocolAssignment, 1, assignment)
    expect(bytes.toString()).toBe(fromHex('0001 00000001 0001 61 00000002 00000000 00000001 ffffffff').toString())
    expect(decodeEmbedded(ConsumerProtocolAssignment, bytes)).toEqual(assignment)
  })

  it('of a newer version is read as the newest known', () => {
    const subscription = { topics: ['a'], userData: null, ownedPartitions: [], generationId: 3, rackId: 'r' }
    const bytes = Buffer.from(encodeEmbedded(ConsumerProtocolSubscription, 3, subscription))
    bytes.writeInt16BE(9)
    expect(decodeEmbedded(ConsumerProtocolSubscription, Buffer.concat([bytes, fromHex('abcd')]))).toEqual(subscription)
  })
})
