/** Formats of the rest: gateways, keys, configs, HTTP, events in and out, upkeep. */
import { type ArchiveItem, decodeArchive, encodeArchive } from '../../lib/archive/archive-item.ts'
import { decodePace, encodePace } from '../../lib/assembly/serverless/pace.ts'
import { decodeClusterId, encodeClusterId } from '../../lib/broker/cluster-id.ts'
import { decodeGateway, encodeGateway, type GatewayItem, gatewayKey } from '../../lib/broker/gateway-item.ts'
import { decodeConfigs, encodeConfigs } from '../../lib/configs/stored-configs.ts'
import {
  checkIdempotencyMark,
  decodeIdempotencyKey,
  encodeIdempotencyKey,
  encodeIdempotencyMark,
  type StoredKey,
} from '../../lib/http/produce/idempotency-keys.ts'
import {
  checkInstanceGroup,
  decodeInstance,
  encodeInstance,
  encodeInstanceGroup,
  type Instance,
} from '../../lib/http/rest-proxy/consumer-instances.ts'
import {
  type Claim,
  checkHour,
  decodeClaims,
  decodeSource,
  encodeClaims,
  encodeHour,
  encodeSource,
} from '../../lib/ingest/claim.ts'
import { decodeFence, encodeFence, type Fence } from '../../lib/ingest/fates.ts'
import { decodeLease, encodeLease, type Lease } from '../../lib/leases/lease-item.ts'
import { checkLifetimes, encodeLifetimes } from '../../lib/lifetimes/lifetimes.ts'
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../../lib/push/checkpoint.ts'
import type { Subscription } from '../../lib/push/contract.ts'
import { decodeSubscription, encodeSubscription } from '../../lib/push/subscription-item.ts'
import { type ApiKey, decodeApiKey, encodeApiKey } from '../../lib/security/api-key.ts'
import { OTHER_TOPIC_ID, TIME, TOPIC_ID } from './log-formats.ts'
import { type StoredFormat, storedFormat } from './stored-format.ts'

const KEY_ID = 'k0123456789abcde'
const NODE_ID = 4_711
const UUID = Buffer.from(TOPIC_ID, 'hex')
/** Where the version is in `{"format":1`. */
const JSON_VERSION_AT = 10

export function otherFormats(): StoredFormat[] {
  return [
    storedFormat<ArchiveItem>({
      name: 'archive',
      source: 'lib/archive/archive-item.ts',
      sample: () => ({
        topicName: 'orders',
        edition: 3,
        metadata: 'metadata/018c2f9b5c000123456789abcde.metadata.json',
        offsets: [70_000, 0, 2 ** 40],
        attempt: '018c2f9b5c000123456789abcdf',
        abandoned: ['018c2f9b5c000123456789abcd0'],
        removing: ['metadata/v1.metadata.json', 'metadata/018c2f9b5c000123456789abcd1-list.avro'],
        table: '',
      }),
      encode: encodeArchive,
      decode: decodeArchive,
    }),
    storedFormat<ArchiveItem>({
      name: 'archive-in-catalog',
      source: 'lib/archive/archive-item.ts',
      sample: () => ({
        topicName: 'orders',
        edition: 0,
        metadata: '',
        offsets: [70_000, 0, 2 ** 40],
        attempt: '',
        abandoned: [],
        removing: [],
        table: 'orders',
      }),
      encode: encodeArchive,
      decode: decodeArchive,
    }),
    storedFormat<Lease>({
      name: 'lease',
      source: 'lib/leases/lease-item.ts',
      sample: () => ({ owner: 'gateway 1', durationMs: 30_000, renewedAt: TIME }),
      encode: encodeLease,
      decode: decodeLease,
    }),
    storedFormat({
      name: 'idempotency-mark',
      source: 'lib/http/produce/idempotency-keys.ts',
      sample: () => undefined,
      encode: encodeIdempotencyMark,
      decode: checkIdempotencyMark,
    }),
    storedFormat({
      name: 'rest-proxy-group',
      source: 'lib/http/rest-proxy/consumer-instances.ts',
      sample: () => undefined,
      encode: encodeInstanceGroup,
      decode: checkInstanceGroup,
    }),
    storedFormat({
      name: 'lifetimes',
      source: 'lib/lifetimes/lifetimes.ts',
      sample: () => undefined,
      encode: encodeLifetimes,
      decode: checkLifetimes,
    }),
    storedFormat<GatewayItem>({
      ...gateway,
      name: 'gateway',
      sample: () => ({ nodeId: NODE_ID, host: 'broker.example.com', port: 9_092, rack: 'eu-1a', renewedAt: TIME }),
    }),
    storedFormat<GatewayItem>({
      ...gateway,
      name: 'gateway-without-rack',
      sample: () => ({ nodeId: NODE_ID, host: '::1', port: 9_092, rack: null, renewedAt: 0 }),
    }),
    storedFormat({
      name: 'cluster-id',
      source: 'lib/broker/cluster-id.ts',
      sample: () => UUID.toString('base64url'),
      encode: id => encodeClusterId(Buffer.from(id, 'base64url')),
      decode: decodeClusterId,
    }),
    storedFormat<ApiKey>({
      ...apiKey,
      name: 'api-key',
      sample: () => sampleKey(TIME + 86_400_000),
    }),
    storedFormat<ApiKey>({ ...apiKey, name: 'api-key-for-ever', sample: () => sampleKey(undefined) }),
    storedFormat<StoredKey>({
      name: 'idempotency-key',
      source: 'lib/http/produce/idempotency-keys.ts',
      sample: () => ({
        producerId: 7_000_001,
        partitions: 300,
        createdAt: TIME,
        requestHash: Buffer.alloc(32, 0xa5),
      }),
      encode: encodeIdempotencyKey,
      decode: decodeIdempotencyKey,
    }),
    storedFormat<Instance>({
      name: 'rest-proxy-instance',
      source: 'lib/http/rest-proxy/consumer-instances.ts',
      sample: () => ({
        format: 'json',
        from: 'earliest',
        autoCommit: true,
        waitMs: 1_000,
        member: {
          id: 'member-1',
          epoch: 3,
          topics: ['orders'],
          manual: false,
          places: { [TOPIC_ID]: [[0, 70_000, -1]] },
        },
        usedAt: TIME,
      }),
      encode: encodeInstance,
      decode: decodeInstance,
    }),
    storedFormat<Readonly<Record<string, string>>>({
      name: 'configs',
      source: 'lib/configs/stored-configs.ts',
      sample: () => ({ 'consumer.session.timeout.ms': '50000', 'share.auto.offset.reset': 'earliest' }),
      encode: encodeConfigs,
      decode: decodeConfigs,
    }),
    storedFormat<Claim[]>({
      name: 'claims',
      source: 'lib/ingest/claim.ts',
      sample: () => [
        {
          producerId: 7_000_001,
          topicId: TOPIC_ID,
          partition: 299,
          lastSequence: 9,
          claimedAt: TIME,
          records: [TOPIC_ID, OTHER_TOPIC_ID],
        },
        { producerId: 7_000_002, topicId: TOPIC_ID, partition: 0, lastSequence: 0, claimedAt: TIME, records: [] },
      ],
      encode: encodeClaims,
      decode: decodeClaims,
    }),
    storedFormat({
      name: 'event-source',
      source: 'lib/ingest/claim.ts',
      sample: () => 'arn:aws:sqs:eu-central-1:123456789012:orders',
      encode: encodeSource,
      decode: decodeSource,
    }),
    storedFormat({
      name: 'hour-of-claims',
      source: 'lib/ingest/claim.ts',
      sample: () => undefined,
      encode: encodeHour,
      decode: checkHour,
    }),
    storedFormat<Fence>({
      ...fence,
      name: 'fence',
      sample: () => ({ from: 70_000, lastSequence: -1, resolved: false, fencedAt: TIME }),
    }),
    storedFormat<Fence>({
      ...fence,
      name: 'fence-resolved',
      sample: () => ({ from: 70_000, lastSequence: 9, resolved: true, fencedAt: TIME }),
    }),
    ...Object.entries(targets).map(([name, target]) =>
      storedFormat<Subscription>({
        name: `subscription-${name}`,
        source: 'lib/push/subscription-item.ts',
        sample: () => subscription(target),
        encode: encodeSubscription,
        decode: decodeSubscription,
        versionAt: JSON_VERSION_AT,
      }),
    ),
    storedFormat<Checkpoint>({
      ...checkpoint,
      name: 'checkpoint',
      sample: () => ({ offset: 70_000, failures: 0, limit: undefined, failedAt: 0, reason: '' }),
    }),
    storedFormat<Checkpoint>({
      ...checkpoint,
      name: 'checkpoint-failing',
      sample: () => ({ offset: 70_000, failures: 3, limit: 25, failedAt: TIME, reason: 'HTTP 503' }),
    }),
    storedFormat({
      name: 'upkeep-pace',
      source: 'lib/assembly/serverless/pace.ts',
      sample: () => 3,
      encode: encodePace,
      decode: decodePace,
    }),
  ]
}

const gateway = {
  source: 'lib/broker/gateway-item.ts',
  encode: encodeGateway,
  decode: (value: Uint8Array) => decodeGateway({ key: gatewayKey(NODE_ID), version: 1, value }),
}
const apiKey = {
  source: 'lib/security/api-key.ts',
  encode: encodeApiKey,
  decode: (bytes: Uint8Array) => decodeApiKey(KEY_ID, bytes),
}
const fence = { source: 'lib/ingest/fates.ts', encode: encodeFence, decode: decodeFence }
const checkpoint = { source: 'lib/push/checkpoint.ts', encode: encodeCheckpoint, decode: decodeCheckpoint }

const targets: Readonly<Record<Subscription['target']['kind'], Subscription['target']>> = {
  webhook: { kind: 'webhook', url: 'https://example.com/hook', secret: 'whsec_c2FtcGxl' },
  function: { kind: 'function', name: 'on-order' },
  sqs: { kind: 'sqs', queueUrl: 'https://sqs.eu-central-1.amazonaws.com/123456789012/orders' },
  eventbridge: { kind: 'eventbridge', bus: 'default', source: 'varve', detailType: 'order' },
}

function subscription(target: Subscription['target']): Subscription {
  const isWebhook = target.kind === 'webhook'
  return {
    id: OTHER_TOPIC_ID,
    name: 'orders-out',
    topicId: TOPIC_ID,
    topic: 'orders',
    target,
    patterns: isWebhook ? [{ value: { kind: ['new', { prefix: 'old-' }] } }] : [],
    policy: {
      recordsMax: 100,
      bytesMax: 1_000_000,
      windowMs: 500,
      attemptsMax: isWebhook ? 10 : undefined,
      deadLetterTopic: isWebhook ? 'orders-dead' : undefined,
    },
    state: isWebhook ? 'active' : 'paused',
    createdAt: TIME,
  }
}

function sampleKey(expiresAt: number | undefined): ApiKey {
  return {
    id: KEY_ID,
    name: 'for the shop ü',
    scopes: [
      { action: 'produce', pattern: 'web-*' },
      { action: 'group', pattern: '*' },
    ],
    createdAt: TIME,
    expiresAt,
    secretHash: new Uint8Array(32).fill(0x5a),
  }
}
