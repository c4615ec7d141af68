/**
 * A place in all partitions of a topic (or some), as one short text: what a reader passes back to go on, and the id of an event
 * of a live tail.
 *
 * Stored: version uint8 · first four bytes of the topic's id · count · for each partition, ascending: difference from the one before less 1,
 * offset; in base64url.
 */
import { ByteReader, ByteWriter } from '../../base/index.ts'
import type { Topic } from '../../log/index.ts'
import { HttpError } from '../errors.ts'

const VERSION = 1
const ID_BYTES = 4

/** Partition → next offset. */
export type Offsets = ReadonlyMap<number, number>

export function encodePosition(topic: Topic, offsets: Offsets): string {
  const writer = new ByteWriter(16 + offsets.size * 4).uint8(VERSION).raw(idBytesOf(topic)).uint(offsets.size)
  let before = -1
  for (const partition of [...offsets.keys()].sort((a, b) => a - b)) {
    writer.uint(partition - before - 1).uint(offsets.get(partition)!)
    before = partition
  }
  return writer.finish().toString('base64url')
}

/** @throws HttpError BAD_REQUEST */
export function decodePosition(text: string, topic: Topic): Map<number, number> {
  const offsets = new Map<number, number>()
  try {
    if (!/^[A-Za-z0-9_-]+$/.test(text)) throw new RangeError('not base64url')
    const reader = new ByteReader(Buffer.from(text, 'base64url'))
    if (reader.uint8() !== VERSION) throw new RangeError('another version')
    const id = reader.raw(ID_BYTES)
    let partition = -1
    for (let left = reader.uint(); left > 0; left--) {
      partition += reader.uint() + 1
      offsets.set(partition, reader.uint())
    }
    if (reader.remaining > 0) throw new RangeError('more than a position')
    if (!id.equals(idBytesOf(topic)))
      throw new HttpError('BAD_REQUEST', `the position is of an earlier topic '${topic.name}'`)
  } catch (error) {
    if (error instanceof HttpError) throw error
    throw new HttpError('BAD_REQUEST', 'this is no position that an answer gave')
  }
  if ([...offsets.keys()].some(partition => partition >= topic.partitions)) {
    throw new HttpError('BAD_REQUEST', 'the position has partitions that the topic does not have')
  }
  return offsets
}

function idBytesOf({ id }: Topic): Buffer {
  return Buffer.from(id.slice(0, ID_BYTES * 2), 'hex')
}
