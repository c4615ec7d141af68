/**
 * Rendezvous (highest random weight) hashing, Thaler and Ravishankar 1996: every process that knows the same nodes
 * chooses the same one for a key, and when a node comes or goes only that node's keys move.
 */
export function chooseNode<T extends { readonly nodeId: number }>(key: string, nodes: readonly T[]): T | undefined {
  const keyHash = hashOf(key)
  let best: T | undefined
  let bestWeight = -1
  for (const node of nodes) {
    const weight = mix(keyHash ^ mix(node.nodeId + 0x9e3779b9))
    if (weight > bestWeight || (weight === bestWeight && best !== undefined && node.nodeId < best.nodeId)) {
      best = node
      bestWeight = weight
    }
  }
  return best
}

/** FNV-1a over UTF-16 code units, 32 bits. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return hash
}

/** The finalizer of MurmurHash3, 32 bits: every input bit changes each output bit half of the time. */
function mix(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
