/**
 * The events that AWS hands to functions, read by their shape: SQS (standard and FIFO), Kinesis, DynamoDB streams, SNS, S3
 * notifications, EventBridge. The records carry the headers of a CloudEvent in Kafka's binary mode (ce_id, ce_source, ce_type,
 * ce_time), so that a consumer can tell where a record comes from. Shapes: the Lambda developer guide, "Event source mappings"
 * and the guides of the services.
 */
import { type Delivery, IngestError, type SourceRecord } from './contract.ts'

type Fields = Readonly<Record<string, unknown>>

/** @throws IngestError UNKNOWN_EVENT */
export function readDelivery(event: unknown): Delivery {
  const { Records } = fieldsOf(event)
  if (!Array.isArray(Records)) return readEventBridge(fieldsOf(event))
  const records = Records.map(fieldsOf)
  const [first] = records
  if (!first) return { source: '', failures: 'all', records: [] }
  const source = String(first.eventSource ?? first.EventSource ?? '')
  const reader = readers[source]
  if (!reader) throw unknownEvent(`from ${source || 'no source'}`)
  return reader(records)
}

const readers: Readonly<Record<string, (records: readonly Fields[]) => Delivery>> = {
  'aws:sqs': records => ({ source: arnOf(records), failures: 'each', records: records.map(readSqs) }),
  'aws:kinesis': records => ({ source: arnOf(records), failures: 'from-first', records: records.map(readKinesis) }),
  'aws:dynamodb': records => ({ source: arnOf(records), failures: 'from-first', records: records.map(readChange) }),
  'aws:sns': records => ({
    source: textIn(fieldsOf(records[0]?.Sns), 'TopicArn'),
    failures: 'all',
    records: records.map(readSns),
  }),
  'aws:s3': records => {
    const bucket = fieldsOf(fieldsOf(records[0]?.s3).bucket)
    return { source: textIn(bucket, 'arn'), failures: 'all', records: records.map(readS3) }
  },
}

function readSqs(record: Fields): SourceRecord {
  const attributes = fieldsOf(record.attributes)
  const id = textIn(record, 'messageId')
  const group = attributes.MessageGroupId
  const time = numberIn(attributes, 'SentTimestamp')
  return {
    id,
    time,
    receipt: id,
    key: typeof group === 'string' ? Buffer.from(group) : null,
    value: Buffer.from(textIn(record, 'body')),
    headers: [
      ...cloudEvent({ id, source: textIn(record, 'eventSourceARN'), type: 'aws.sqs.message', time }),
      ...Object.entries(fieldsOf(record.messageAttributes)).flatMap(([key, attribute]) =>
        attributeHeader(key, attribute),
      ),
    ],
  }
}

function attributeHeader(key: string, attribute: unknown): { key: string; value: Uint8Array }[] {
  const { stringValue, binaryValue } = fieldsOf(attribute)
  if (typeof stringValue === 'string') return [{ key, value: Buffer.from(stringValue) }]
  if (typeof binaryValue === 'string') return [{ key, value: Buffer.from(binaryValue, 'base64') }]
  return []
}

function readKinesis(record: Fields): SourceRecord {
  const kinesis = fieldsOf(record.kinesis)
  const id = textIn(record, 'eventID')
  const time = millisecondsIn(kinesis, 'approximateArrivalTimestamp')
  return {
    id,
    time,
    receipt: textIn(kinesis, 'sequenceNumber'),
    key: Buffer.from(textIn(kinesis, 'partitionKey')),
    value: Buffer.from(textIn(kinesis, 'data'), 'base64'),
    headers: cloudEvent({ id, source: textIn(record, 'eventSourceARN'), type: 'aws.kinesis.record', time }),
  }
}

/** A change of an item: the value is the change as DynamoDB's JSON, the key that of the item's key. */
function readChange(record: Fields): SourceRecord {
  const change = fieldsOf(record.dynamodb)
  const receipt = textIn(change, 'SequenceNumber')
  const source = textIn(record, 'eventSourceARN')
  const name = textIn(record, 'eventName')
  const id = typeof record.eventID === 'string' ? record.eventID : receipt
  const time = millisecondsIn(change, 'ApproximateCreationDateTime')
  return {
    id,
    time,
    receipt,
    key: Buffer.from(JSON.stringify(sorted(change.Keys))),
    value: Buffer.from(JSON.stringify({ eventName: name, ...change })),
    headers: cloudEvent({ id, source, type: `aws.dynamodb.${name.toLowerCase()}`, time }),
  }
}

function readSns(record: Fields): SourceRecord {
  const sns = fieldsOf(record.Sns)
  const id = textIn(sns, 'MessageId')
  const time = dateIn(sns, 'Timestamp')
  const headers = cloudEvent({ id, source: textIn(sns, 'TopicArn'), type: 'aws.sns.notification', time })
  const attributes = Object.entries(fieldsOf(sns.MessageAttributes)).flatMap(([key, attribute]) => {
    const { Type, Value } = fieldsOf(attribute)
    if (typeof Value !== 'string') return []
    return [{ key, value: Buffer.from(Value, Type === 'Binary' ? 'base64' : 'utf8') }]
  })
  const group = sns.MessageGroupId
  return {
    id,
    time,
    receipt: id,
    key: typeof group === 'string' ? Buffer.from(group) : null,
    value: Buffer.from(textIn(sns, 'Message')),
    headers: [...headers, ...attributes],
  }
}

/** An object's event: the key is BUCKET/KEY. The sequencer orders the events of one key, and with it they are told apart. */
function readS3(record: Fields): SourceRecord {
  const s3 = fieldsOf(record.s3)
  const bucket = fieldsOf(s3.bucket)
  const object = fieldsOf(s3.object)
  const name = textIn(record, 'eventName')
  const place = `${textIn(bucket, 'name')}/${textIn(object, 'key')}`
  const request = fieldsOf(record.responseElements)['x-amz-request-id'] ?? ''
  const id = `${place} ${String(object.sequencer ?? '')} ${name} ${String(request)}`
  const time = dateIn(record, 'eventTime')
  return {
    id,
    time,
    receipt: id,
    key: Buffer.from(place),
    value: Buffer.from(JSON.stringify(record)),
    headers: cloudEvent({ id, source: textIn(bucket, 'arn'), type: `aws.s3.${name}`, time }),
  }
}

/** One event; its value is the event as EventBridge hands it over. */
function readEventBridge(event: Fields): Delivery {
  if (typeof event['detail-type'] !== 'string') throw unknownEvent('that is no EventBridge event either')
  const id = textIn(event, 'id')
  const from = textIn(event, 'source')
  const time = dateIn(event, 'time')
  const record: SourceRecord = {
    id,
    time,
    receipt: id,
    key: null,
    value: Buffer.from(JSON.stringify(event)),
    headers: cloudEvent({ id, source: from, type: event['detail-type'], time }),
  }
  const place = `events:${String(event.account ?? '')}:${String(event.region ?? '')}:${from}`
  return { source: place, failures: 'all', records: [record] }
}

function cloudEvent({ id, source, type, time }: { id: string; source: string; type: string; time: number }) {
  const header = (key: string, value: string) => ({ key, value: Buffer.from(value) })
  return [
    header('ce_specversion', '1.0'),
    header('ce_id', id),
    header('ce_source', source),
    header('ce_type', type),
    header('ce_time', isoTime(time)),
  ]
}

function isoTime(time: number): string {
  return new Date(time).toISOString()
}

// ------------------------------------------------------------ fields

function arnOf(records: readonly Fields[]): string {
  return textIn(records[0] ?? {}, 'eventSourceARN')
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function textIn(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw unknownEvent(`without ${name}`)
  return value
}

function numberIn(fields: Fields, name: string): number {
  const value = Number(fields[name])
  if (fields[name] === undefined || !Number.isFinite(value) || value < 0) throw unknownEvent(`without ${name}`)
  return Math.floor(value)
}

/** The services give seconds, with a fraction. */
function millisecondsIn(fields: Fields, name: string): number {
  return Math.floor(numberIn({ [name]: Number(fields[name]) * 1_000 }, name))
}

function dateIn(fields: Fields, name: string): number {
  const time = Date.parse(textIn(fields, name))
  if (Number.isNaN(time) || time < 0) throw unknownEvent(`with a ${name} that is no date`)
  return time
}

function sorted(value: unknown): Fields {
  return Object.fromEntries(Object.entries(fieldsOf(value)).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function unknownEvent(what: string): IngestError {
  return new IngestError(
    'UNKNOWN_EVENT',
    `An event ${what}: this function takes the events of SQS, Kinesis, DynamoDB streams, SNS, S3 and EventBridge.`,
  )
}
