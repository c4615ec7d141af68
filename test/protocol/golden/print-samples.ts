/**
 * Prints the samples as lines for GoldenFrames.java, which turns them into the fixture `kafka-4.4.0.json`. To make that
 * anew, with the jars of kafka-clients and what it needs (jackson-databind, jackson-core, jackson-annotations, slf4j-api)
 * in CLASSPATH: `node test/protocol/golden/print-samples.ts | java test/protocol/golden/GoldenFrames.java`
 */
import {
  apis,
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  type Fields,
} from '../../../lib/protocol/index.ts'
import type { WireType } from '../../../lib/protocol/kernel/index.ts'
import { isPresent, type Struct, typeOf, versionsOf } from '../tables.ts'
import { fills, sampleOf } from './samples.ts'

/** Kafka's JSON form: bytes in base64, UUIDs in URL-safe base64 without padding. */
function structJson(fields: Fields, version: number, value: Struct): Struct {
  const present = Object.entries(fields).filter(([, field]) => isPresent(field, version))
  return Object.fromEntries(present.map(([name, field]) => [name, valueJson(typeOf(field), version, value[name])]))
}

function valueJson({ shape }: WireType, version: number, value: unknown): unknown {
  if (value === null) return null
  switch (shape.kind) {
    case 'bytes':
      return Buffer.from(value as Uint8Array).toString('base64')
    case 'records':
      return Buffer.concat(value as Uint8Array[]).toString('base64')
    case 'uuid':
      return Buffer.from(value as string, 'hex').toString('base64url')
    case 'array':
      return (value as unknown[]).map(element => valueJson(shape.element, version, element))
    case 'struct':
      return structJson(shape.fields, version, value as Struct)
    case 'nullableSince':
      return valueJson(shape.type, version, value)
    default:
      return value
  }
}

const messages = [
  ...apis.flatMap(api => [
    { className: `${api.name}Request`, message: api.request },
    { className: `${api.name}Response`, message: api.response },
  ]),
  { className: 'ConsumerProtocolSubscription', message: ConsumerProtocolSubscription },
  { className: 'ConsumerProtocolAssignment', message: ConsumerProtocolAssignment },
]

for (const { className, message } of messages) {
  for (const version of versionsOf(message)) {
    for (const fill of fills) {
      const value = structJson(message.fields, version, sampleOf(message.fields, version, fill))
      process.stdout.write(`${className}\t${message.api ?? -1}\t${version}\t${fill}\t${JSON.stringify(value)}\n`)
    }
  }
}
