/** Every API that is served. What is not here, ApiVersions does not tell of. */
import type { Handler } from './handler.ts'
import { apiVersions } from './handlers/api-versions.ts'
import { createPartitions } from './handlers/create-partitions.ts'
import { createTopics } from './handlers/create-topics.ts'
import { deleteTopics } from './handlers/delete-topics.ts'
import { describeCluster } from './handlers/describe-cluster.ts'
import { describeConfigs } from './handlers/describe-configs.ts'
import { fetch } from './handlers/fetch.ts'
import { initProducerId } from './handlers/init-producer-id.ts'
import { listOffsets } from './handlers/list-offsets.ts'
import { metadata } from './handlers/metadata.ts'
import { produce } from './handlers/produce.ts'

export const handlers: readonly Handler[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  apiVersions,
  createTopics,
  deleteTopics,
  initProducerId,
  describeConfigs,
  createPartitions,
  describeCluster,
]
