/**
 * The item of an extent: one partition's compacted batches, which are in an object of their own. It covers the offsets
 * [from, to) and is found by its last one, so the first item at or after an offset is the one that has it, and extents follow
 * each other without a hole. Key: `x#<topicId>#<partition>` / <last offset, 16 hex digits>.
 */
import { ByteReader, ByteWriter, CorruptDataError, checkFormat, hexOf } from '../../base/index.ts'
import { type Item, type ItemKey, STORAGE_CLASSES, type StorageClass, type Version } from '../../storage/index.ts'
import { SEGMENT_ID_BYTES, type SegmentId, segmentIdFromBytes, segmentIdToBytes } from '../segment/segment-id.ts'

export interface Extent {
  /** Covers the offsets [from, to), whether or not compaction left records at all of them. */
  readonly from: number
  readonly to: number
  /** Its ULID, by whose time heads' fences judge it. */
  readonly id: SegmentId
  readonly object: string
  /** Of an extent that was cut: at most so many. */
  readonly records: number
  /** Of the batches, from the beginning of the object. */
  readonly bytes: number
  /** Of the batches, those too that are not part of it: a fork may end within an extent, and cuts what it takes over. */
  readonly objectBytes?: number
  /** Of the index and trailer, which follow. */
  readonly indexBytes: number
  /** Largest timestamp of its records, in ms; -1 where they have none. */
  readonly maxTimestamp: number
  /** Another topic's extent names the same object. */
  readonly shared: boolean
  /** Of a compacted topic: no key in it has an older record in this extent or in those before it. */
  readonly cleaned: boolean
  /** In which its object was put; undefined: the store's own. */
  readonly storageClass?: StorageClass
}

/** As it was found in the store. */
export interface StoredExtent extends Extent {
  readonly version: Version
}

/** Of extents in a storage class, of those that are cut, and of all others: each is written in the oldest that can tell all of it. */
const FORMAT_VERSION = 3
const CUT_VERSION = 2
const FIRST_VERSION = 1
const OFFSET_DIGITS = 16
const FLAG = { shared: 1, cleaned: 2, cut: 4 }
const CLASS_CODES: Readonly<Record<StorageClass, number>> = { STANDARD_IA: 1, GLACIER_IR: 2 }

export function extentPartitionKey(topicId: string, partition: number): string {
  return `x#${topicId}#${partition}`
}

/** Of the extent whose last offset this is. */
export function extentSortKey(lastOffset: number): string {
  return hexOf(lastOffset, OFFSET_DIGITS)
}

export function extentKey(topicId: string, partition: number, extent: Pick<Extent, 'to'>): ItemKey {
  return { pk: extentPartitionKey(topicId, partition), sk: extentSortKey(extent.to - 1) }
}

export function extentObjectKey(topicId: string, partition: number, from: number, id: SegmentId): string {
  return `topics/${topicId}/${partition}/${from}-${id}`
}

export function encodeExtent(extent: Extent): Uint8Array {
  const writer = new ByteWriter(160)
  const { objectBytes, storageClass } = extent
  const isCut = objectBytes !== undefined
  writer.uint8(storageClass ? FORMAT_VERSION : isCut ? CUT_VERSION : FIRST_VERSION)
  const cut = storageClass && isCut ? FLAG.cut : 0
  writer.uint8((extent.shared ? FLAG.shared : 0) | (extent.cleaned ? FLAG.cleaned : 0) | cut)
  writer.uint(extent.from).uint(extent.to).raw(segmentIdToBytes(extent.id)).string(extent.object)
  writer.uint(extent.records).uint(extent.bytes).uint(extent.indexBytes).int(extent.maxTimestamp)
  if (isCut) writer.uint(objectBytes)
  if (storageClass) writer.uint8(CLASS_CODES[storageClass])
  return writer.finish()
}

/** @throws CorruptDataError */
export function decodeExtent(bytes: Uint8Array): Extent {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('extent item', version, FORMAT_VERSION, FIRST_VERSION)
  const flags = reader.uint8()
  return {
    from: reader.uint(),
    to: reader.uint(),
    id: segmentIdFromBytes(reader.raw(SEGMENT_ID_BYTES)),
    object: reader.string(),
    records: reader.uint(),
    bytes: reader.uint(),
    indexBytes: reader.uint(),
    maxTimestamp: reader.int(),
    shared: (flags & FLAG.shared) !== 0,
    cleaned: (flags & FLAG.cleaned) !== 0,
    ...((version === CUT_VERSION || (flags & FLAG.cut) !== 0) && { objectBytes: reader.uint() }),
    ...(version >= FORMAT_VERSION && { storageClass: storageClassOf(reader.uint8()) }),
  }
}

function storageClassOf(code: number): StorageClass {
  const found = STORAGE_CLASSES.find(name => CLASS_CODES[name] === code)
  if (!found) throw new CorruptDataError(`an extent item with the storage class ${code}`)
  return found
}

export function storedExtent({ value, version }: Pick<Item, 'value' | 'version'>): StoredExtent {
  return { ...decodeExtent(value), version }
}
