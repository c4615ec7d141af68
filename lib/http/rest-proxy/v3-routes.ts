/** REST Proxy v3, without ACLs. Where two paths fit, the one that comes first is taken. */
import type { Route } from '../route.ts'
import { v3ClusterRoutes } from './v3-cluster-routes.ts'
import { v3ConfigRoutes } from './v3-config-routes.ts'
import { v3ConsumerRoutes } from './v3-consumer-routes.ts'
import { v3GroupRoutes } from './v3-group-routes.ts'
import { v3PartitionRoutes } from './v3-partition-routes.ts'
import { v3ProduceRoutes } from './v3-produce-routes.ts'
import { v3TopicRoutes } from './v3-topic-routes.ts'

export const v3Routes: readonly Route[] = [
  ...v3ClusterRoutes,
  ...v3TopicRoutes,
  ...v3PartitionRoutes,
  ...v3ConfigRoutes,
  ...v3ProduceRoutes,
  ...v3GroupRoutes,
  ...v3ConsumerRoutes,
]
