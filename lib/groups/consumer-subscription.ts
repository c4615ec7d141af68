/** The part of Kafka's ConsumerProtocolSubscription (all versions) that a coordinator looks at: the topics' names. */

/** Undefined where the bytes are not a subscription. */
export function subscribedTopics(metadata: Uint8Array): string[] | undefined {
  const buffer = Buffer.from(metadata.buffer, metadata.byteOffset, metadata.byteLength)
  try {
    if (buffer.readInt16BE(0) < 0) return undefined
    const topics: string[] = []
    let position = 6
    for (let left = buffer.readInt32BE(2); left > 0; left--) {
      const length = buffer.readInt16BE(position)
      const end = position + 2 + length
      if (length < 0 || end > buffer.length) return undefined
      topics.push(buffer.toString('utf8', position + 2, end))
      position = end
    }
    return topics
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
