/** The cluster as handlers see it: which gateways live, and who is preferred for what. A snapshot, never a truth. */
export interface Gateway {
  readonly nodeId: number
  /** The advertised address. */
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

export interface Cluster {
  /** A UUID in base64url, as Kafka shows it. */
  readonly clusterId: string
  /** This process's node id. */
  readonly nodeId: number
  /** The live gateways by node id, this one among them. */
  gateways(): readonly Gateway[]
  /** The preferred gateway for a shard's appends and reads. Any other serves it too. */
  leaderOf(topicId: string, shard: number): Gateway
  /** The gateway that coordinates a group (key: its id) or a transactional id. */
  coordinatorOf(key: string): Gateway
}
