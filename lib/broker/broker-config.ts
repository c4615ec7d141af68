/** Settings of the Kafka face; Kafka's names where Kafka has them (in the comments). */
export interface BrokerConfig {
  /** auto.create.topics.enable */
  readonly autoCreateTopics: boolean
  /** num.partitions: of topics that are created by their first use, or with -1 partitions. */
  readonly defaultPartitions: number
  /** socket.request.max.bytes, also the limit of one fetch's answer. */
  readonly requestBytesMax: number
  /** fetch.max.bytes of the broker: the most that one fetch answers with, whatever it asks for (the first batch always fits). */
  readonly fetchBytesMax: number
  /** offsets.retention.minutes, as upkeep has it; here it is only told. */
  readonly offsetsRetentionMinutes: number
  /** transactional.id.expiration.ms, likewise. */
  readonly transactionalIdExpirationMs: number
}

export const defaultBrokerConfig: BrokerConfig = {
  autoCreateTopics: true,
  defaultPartitions: 1,
  requestBytesMax: 100 * 1024 * 1024,
  fetchBytesMax: 55 * 1024 * 1024,
  offsetsRetentionMinutes: 7 * 24 * 60,
  transactionalIdExpirationMs: 7 * 24 * 3_600_000,
}
