/** The document `gateways/<node>`: a gateway's claim of its node id, alive while the item's version changes. */
import { ByteReader, ByteWriter, checkFormat } from '../base/index.ts'
import type { Item, ItemKey } from '../storage/index.ts'
import type { Gateway } from './cluster.ts'

export const gatewaysPartition = 'gateways'
const formatVersion = 1

export interface GatewayItem extends Gateway {
  /** Wall clock of its owner; only a hint for a reader that has not watched the item yet. */
  readonly renewedAt: number
}

export function gatewayKey(nodeId: number): ItemKey {
  return { pk: gatewaysPartition, sk: String(nodeId).padStart(10, '0') }
}

export function encodeGateway(gateway: GatewayItem): Buffer {
  return new ByteWriter(64)
    .uint8(formatVersion)
    .string(gateway.host)
    .uint(gateway.port)
    .string(gateway.rack ?? '')
    .uint(gateway.renewedAt)
    .finish()
}

export function decodeGateway(item: Item): GatewayItem {
  const reader = new ByteReader(item.value)
  const format = reader.uint8()
  checkFormat('gateway', format, formatVersion)
  const host = reader.string()
  const port = reader.uint()
  const rack = reader.string()
  return { nodeId: Number(item.key.sk), host, port, rack: rack === '' ? null : rack, renewedAt: reader.uint() }
}
