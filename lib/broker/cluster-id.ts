/** The document `cluster/meta`: the cluster's id, drawn by the first process that ever started on these stores. */
import {
  ByteReader,
  ByteWriter,
  CorruptDataError,
  checkFormat,
  drawToken,
  drawUuid,
  type Random,
} from '../base/index.ts'
import type { ItemStore } from '../storage/index.ts'

export const clusterKey = { pk: 'cluster', sk: 'meta' }
const formatVersion = 1

/** The cluster's id in base64url without padding, as Kafka shows it; puts one where there is none. */
export async function ensureClusterId(items: ItemStore, random: Random): Promise<string> {
  const present = await items.get(clusterKey)
  if (present) return decodeClusterId(present.value)
  const outcome = await items.write([
    {
      kind: 'put',
      key: clusterKey,
      expected: 'absent',
      version: drawToken(random),
      value: encodeClusterId(drawClusterUuid(random)),
    },
  ])
  const winner = outcome.written ? await items.get(clusterKey) : outcome.conflicts[0]?.item
  if (!winner) throw new CorruptDataError('the item cluster/meta vanished')
  return decodeClusterId(winner.value)
}

function drawClusterUuid(random: Random): Uint8Array {
  for (;;) {
    const uuid = drawUuid(random)
    // As Kafka does: an id that begins with a dash looks like an option on a command line.
    if (!Buffer.from(uuid).toString('base64url').startsWith('-')) return uuid
  }
}

export function encodeClusterId(uuid: Uint8Array): Buffer {
  return new ByteWriter(17).uint8(formatVersion).raw(uuid).finish()
}

/** @throws CorruptDataError */
export function decodeClusterId(value: Uint8Array): string {
  const reader = new ByteReader(value)
  const format = reader.uint8()
  checkFormat('cluster id', format, formatVersion)
  return reader.raw(16).toString('base64url')
}
