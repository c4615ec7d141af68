/** Events as the Lambda developer guide shows them become records. */
import { expect, test } from 'vitest'
import { IngestError, readDelivery } from '../../lib/ingest/index.ts'

const text = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString()

function shown(event: unknown) {
  const { source, failures, records } = readDelivery(event)
  return {
    source,
    failures,
    records: records.map(({ headers, key, value, ...rest }) => ({
      ...rest,
      key: text(key),
      value: text(value),
      headers: Object.fromEntries(headers.map(header => [header.key, text(header.value)])),
    })),
  }
}

const queue = 'arn:aws:sqs:us-east-2:123456789012:orders.fifo'

test('SQS', () => {
  const message = {
    messageId: '059f36b4-87a3-44ab-83d2-661975830a7d',
    body: 'Test message.',
    attributes: { SentTimestamp: '1545082649183', MessageGroupId: 'g1', SequenceNumber: '1' },
    messageAttributes: { kind: { stringValue: 'order', dataType: 'String' }, raw: { binaryValue: 'aGk=' } },
    eventSource: 'aws:sqs',
    eventSourceARN: queue,
  }
  expect(shown({ Records: [message] })).toEqual({
    source: queue,
    failures: 'each',
    records: [
      {
        id: message.messageId,
        receipt: message.messageId,
        time: 1_545_082_649_183,
        key: 'g1',
        value: 'Test message.',
        headers: {
          ce_specversion: '1.0',
          ce_id: message.messageId,
          ce_source: queue,
          ce_type: 'aws.sqs.message',
          ce_time: '2018-12-17T21:37:29.183Z',
          kind: 'order',
          raw: 'hi',
        },
      },
    ],
  })
})

test('Kinesis', () => {
  const eventSourceARN = 'arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream'
  const record = {
    kinesis: {
      partitionKey: 'p1',
      sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
      data: 'SGVsbG8=',
      approximateArrivalTimestamp: 1545084650.987,
    },
    eventSource: 'aws:kinesis',
    eventID: 'shardId-000000000006:49590338271490256608559692538361571095921575989136588898',
    eventSourceARN,
  }
  expect(shown({ Records: [record] })).toMatchObject({
    source: eventSourceARN,
    failures: 'from-first',
    records: [
      {
        id: record.eventID,
        receipt: record.kinesis.sequenceNumber,
        time: 1_545_084_650_987,
        key: 'p1',
        value: 'Hello',
      },
    ],
  })
})

test('DynamoDB streams: the key of the record is that of the item, however its attributes are ordered', () => {
  const change = (Keys: unknown, eventID: string) => ({
    eventID,
    eventName: 'MODIFY',
    eventSource: 'aws:dynamodb',
    eventSourceARN: 'arn:aws:dynamodb:us-east-1:1:table/t/stream/2024',
    dynamodb: {
      ApproximateCreationDateTime: 1_700_000_000.5,
      Keys,
      NewImage: { n: { N: '1' } },
      SequenceNumber: '111',
    },
  })
  const { records, failures } = shown({
    Records: [change({ a: { S: '1' }, b: { N: '2' } }, 'x'), change({ b: { N: '2' }, a: { S: '1' } }, 'y')],
  })
  expect(failures).toBe('from-first')
  expect(records[0]).toMatchObject({ id: 'x', receipt: '111', time: 1_700_000_000_500 })
  expect(records[0]!.key).toBe(records[1]!.key)
  expect(JSON.parse(records[0]!.value!)).toMatchObject({ eventName: 'MODIFY', NewImage: { n: { N: '1' } } })
  expect(records[0]!.headers.ce_type).toBe('aws.dynamodb.modify')
})

test('SNS, S3, EventBridge', () => {
  const sns = {
    MessageId: 'm1',
    TopicArn: 'arn:aws:sns:us-east-2:1:t',
    Message: 'hi',
    Timestamp: '2019-01-02T12:45:07.000Z',
  }
  expect(shown({ Records: [{ EventSource: 'aws:sns', Sns: sns }] })).toMatchObject({
    source: sns.TopicArn,
    failures: 'all',
    records: [{ id: 'm1', key: null, value: 'hi', time: 1_546_433_107_000 }],
  })
  const s3 = {
    bucket: { name: 'b', arn: 'arn:aws:s3:::b' },
    object: { key: 'a/b.jpg', sequencer: '0055AED6DCD90281E5' },
  }
  const put = { eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', eventTime: '2019-09-03T19:37:27.192Z', s3 }
  expect(shown({ Records: [put] })).toMatchObject({ source: 'arn:aws:s3:::b', records: [{ key: 'b/a/b.jpg' }] })
  const event = {
    id: '12345678-1234-1234-1234-123456789012',
    'detail-type': 'Order placed',
    source: 'shop',
    account: '1',
    region: 'us-east-1',
    time: '2022-01-01T18:43:48Z',
    detail: { total: 3 },
  }
  const bridged = shown(event)
  expect(bridged).toMatchObject({ source: 'events:1:us-east-1:shop', records: [{ id: event.id, key: null }] })
  expect(JSON.parse(bridged.records[0]!.value!)).toEqual(event)
})

test.each([
  ['nothing', undefined],
  ['a text', 'hello'],
  ['records of nobody', { Records: [{}] }],
  ['records of a stranger', { Records: [{ eventSource: 'aws:ses' }] }],
  ['a message without an id', { Records: [{ eventSource: 'aws:sqs', eventSourceARN: queue }] }],
  [
    'a change with a time that is none',
    {
      Records: [
        {
          eventSource: 'aws:dynamodb',
          eventSourceARN: 'a',
          eventName: 'x',
          dynamodb: { SequenceNumber: '1', ApproximateCreationDateTime: 'soon' },
        },
      ],
    },
  ],
])('%s is refused with a telling error', (_name, event) => {
  expect(() => readDelivery(event)).toThrow(IngestError)
})
