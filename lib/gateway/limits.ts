/** The gateway's limits. Names in comments are Apache Kafka's for the same thing. */
export interface GatewayLimits {
  /** socket.request.max.bytes */
  readonly frameBytesMax: number
  /** What requests and answers of all connections hold together (queued.max.request.bytes). See MemoryBudget. */
  readonly memoryBytes: number
  /** A frame of up to this size is received even when the memory is used up. */
  readonly smallFrameBytes: number
  /** max.connections */
  readonly connectionsMax: number
  /** Requests of one connection that have begun and are not answered. */
  readonly inFlightMax: number
  /** While more than this waits to be sent over a connection, none of its further requests begins. */
  readonly unsentBytesMax: number
  /** What is sent of long answers, over all connections, between two looks at who else is ready. */
  readonly sentInTurnBytes: number
  /** connections.max.idle.ms */
  readonly idleMs: number
  /** While the memory is used up, a connection that holds some and neither sends nor takes anything for this long is closed. */
  readonly stalledMs: number
  /** How often idle and stalled connections are looked for. */
  readonly sweepMs: number
  /** How long a client may take to close its side after the last answer, when the gateway closes. */
  readonly lingerMs: number
  /** How long requests in flight may take to finish when the gateway closes. */
  readonly closeMs: number
}

export const defaultGatewayLimits: GatewayLimits = {
  frameBytesMax: 100 * 1024 * 1024,
  memoryBytes: 128 * 1024 * 1024,
  smallFrameBytes: 64 * 1024,
  connectionsMax: 10_000,
  inFlightMax: 64,
  unsentBytesMax: 64 * 1024,
  sentInTurnBytes: 1024 * 1024,
  idleMs: 600_000,
  stalledMs: 10_000,
  sweepMs: 2_000,
  lingerMs: 300,
  closeMs: 10_000,
}
