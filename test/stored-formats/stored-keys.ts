/** Where everything lies: a document under another key is as lost as one that cannot be read. */
import { archiveKey } from '../../lib/archive/archive-item.ts'
import { tableFolder } from '../../lib/archive/stored-archive.ts'
import { paceKey, pushPaceKey } from '../../lib/assembly/serverless/pace.ts'
import { clusterKey } from '../../lib/broker/cluster-id.ts'
import { gatewayKey } from '../../lib/broker/gateway-item.ts'
import { configsKey } from '../../lib/configs/stored-configs.ts'
import { groupDocumentKey } from '../../lib/groups/group-document.ts'
import { groupListingKey } from '../../lib/groups/group-listing.ts'
import { offsetsBlockKey } from '../../lib/groups/offsets-block.ts'
import { idempotencyItemKey, idempotencyMarkKey } from '../../lib/http/produce/idempotency-keys.ts'
import { instanceGroupKey, instanceKey } from '../../lib/http/rest-proxy/consumer-instances.ts'
import { chunkKey as claimsKey, hourKey, recordName, sourceKey, sourceName } from '../../lib/ingest/claim.ts'
import { fenceKey } from '../../lib/ingest/fates.ts'
import { leaseKey } from '../../lib/leases/lease-item.ts'
import { lifetimesKey } from '../../lib/lifetimes/lifetimes.ts'
import { extentKey, extentObjectKey } from '../../lib/log/extent/extent-item.ts'
import { chunkKey } from '../../lib/log/head/chunk.ts'
import { headKey } from '../../lib/log/head/head.ts'
import { producerIdsKey } from '../../lib/log/producers/producer-ids.ts'
import { segmentItemKey, segmentObjectKey } from '../../lib/log/segment/segment-store.ts'
import { topicKey, topicNameKey } from '../../lib/log/topics/topic-item.ts'
import { sweepStateKey, wholeLookKey } from '../../lib/log/upkeep/sweep-state.ts'
import { checkpointKey } from '../../lib/push/checkpoint.ts'
import { subscriptionKey } from '../../lib/push/subscription-item.ts'
import { apiKeyItemKey } from '../../lib/security/api-key.ts'
import { sharePartitionKey } from '../../lib/share/share-partition-document.ts'
import { itemKeyBytes } from '../../lib/storage/local/item-key-bytes.ts'
import { objectPath } from '../../lib/storage/local/object-path.ts'
import { transactionDocumentKey, transactionListingKey } from '../../lib/transactions/transaction-document.ts'
import { OTHER_TOPIC_ID, SEGMENT_ID, TOPIC_ID } from './log-formats.ts'

/** Of sample ids: item keys, object keys, and how the embedded stores write both. */
export function storedKeys(): Readonly<Record<string, unknown>> {
  const source = sourceName('arn:aws:sqs:eu-central-1:123456789012:orders')
  const extentObject = extentObjectKey(TOPIC_ID, 3, 128, SEGMENT_ID)
  const claim = { producerId: 7_000_001, topicId: TOPIC_ID, partition: 3, lastSequence: 9, claimedAt: 1, records: [] }
  return {
    archive: archiveKey(TOPIC_ID),
    archiveFolder: tableFolder({ id: TOPIC_ID, name: 'orders' }),
    apiKey: apiKeyItemKey('k0123456789abcde'),
    checkpoint: checkpointKey(OTHER_TOPIC_ID, TOPIC_ID, 300),
    chunk: chunkKey(TOPIC_ID, 18, 70_000),
    claims: claimsKey(source, 28_875_002, 10),
    clusterId: clusterKey,
    configsOfClientMetrics: configsKey('client-metrics', 'all'),
    configsOfGroup: configsKey('group', 'billing'),
    eventSource: sourceKey(source),
    extent: extentKey(TOPIC_ID, 3, { to: 70_000 }),
    extentObject,
    fence: fenceKey(claim),
    gateway: gatewayKey(4_711),
    group: groupDocumentKey('billing'),
    groupListing: groupListingKey('billing'),
    head: headKey(TOPIC_ID, 18),
    hourOfClaims: hourKey(source, 481_250),
    idempotencyKey: idempotencyItemKey(Buffer.from(TOPIC_ID + OTHER_TOPIC_ID, 'hex')),
    idempotencyMark: idempotencyMarkKey,
    lease: leaseKey('upkeep'),
    lifetimes: lifetimesKey(topicNameKey('orders')),
    offsetsBlock: offsetsBlockKey('billing', TOPIC_ID, 18),
    producerIdCounter: producerIdsKey,
    recordOfSource: recordName('message 1'),
    restProxyGroup: instanceGroupKey('billing'),
    restProxyInstance: instanceKey('billing', 'instance-1'),
    segmentItem: segmentItemKey(SEGMENT_ID),
    segmentObject: segmentObjectKey(SEGMENT_ID),
    sharePartition: sharePartitionKey('billing', { topicId: TOPIC_ID, partition: 300 }),
    subscription: subscriptionKey('orders-out'),
    sweepState: sweepStateKey,
    sweepWholeLook: wholeLookKey,
    topic: topicKey(TOPIC_ID),
    topicName: topicNameKey('orders'),
    transaction: transactionDocumentKey('transfer'),
    transactionListing: transactionListingKey('transfer'),
    upkeepPace: paceKey,
    pushPace: pushPaceKey,
    embeddedItem: itemKeyBytes(headKey(TOPIC_ID, 18)).toString('hex'),
    embeddedObject: objectPath(extentObject),
  }
}
