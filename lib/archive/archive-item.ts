/**
 * The pointer of an archive: `archives` / <topic id>. Its compare-and-swap is the one step that makes new table metadata current
 * and says how far the partitions are archived. It also says what an attempt may have left: whoever comes next clears it away.
 * Where the table is in a catalog, the catalog decides; the pointer names the table, and says how far it was archived at least.
 */
import { ByteReader, ByteWriter, CorruptDataError, checkFormat } from '../base/index.ts'
import type { ItemKey } from '../storage/index.ts'

export interface ArchiveItem {
  readonly topicName: string
  /** Counts the table's metadata files, from 1; 0: there is none yet. */
  readonly edition: number
  /** The file of the current metadata, in the table's folder; '': there is none yet. */
  readonly metadata: string
  /** Next offset to be archived, by partition; of partitions beyond, none is archived. */
  readonly offsets: readonly number[]
  /** Whose files (all begin with it) are not part of the table yet; '': nobody is at it. */
  readonly attempt: string
  /** Attempts that came to nothing; files of theirs may come late. */
  readonly abandoned: readonly string[]
  /** Files in the table's folder that the current metadata needs no more. */
  readonly removing: readonly string[]
  /** The table's name in a catalog; '': it is in the folder, or there is none yet. */
  readonly table: string
}

export const ARCHIVES = 'archives'
const FORMAT_VERSION = 2
/** Of archives in a folder, which are written as they always were. */
const FORMAT_OF_FOLDERS = 1

export function archiveKey(topicId: string): ItemKey {
  return { pk: ARCHIVES, sk: topicId }
}

export const NO_ARCHIVE: Omit<ArchiveItem, 'topicName'> = {
  edition: 0,
  metadata: '',
  offsets: [],
  attempt: '',
  abandoned: [],
  removing: [],
  table: '',
}

export function encodeArchive(item: ArchiveItem): Uint8Array {
  const isInFolder = item.table === ''
  const writer = new ByteWriter(256).uint8(isInFolder ? FORMAT_OF_FOLDERS : FORMAT_VERSION)
  writer.string(item.topicName).uint(item.edition).string(item.metadata)
  writer.uint(item.offsets.length)
  for (const offset of item.offsets) writer.uint(offset)
  writer.string(item.attempt)
  for (const names of [item.abandoned, item.removing]) {
    writer.uint(names.length)
    for (const name of names) writer.string(name)
  }
  if (!isInFolder) writer.string(item.table)
  return writer.finish()
}

/** @throws CorruptDataError */
export function decodeArchive(bytes: Uint8Array): ArchiveItem {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('archive', version, FORMAT_VERSION, FORMAT_OF_FOLDERS)
  const item = {
    topicName: reader.string(),
    edition: reader.uint(),
    metadata: reader.string(),
    offsets: reader.list(offset => offset.uint()),
    attempt: reader.string(),
    abandoned: reader.list(name => name.string()),
    removing: reader.list(name => name.string()),
    table: version === FORMAT_OF_FOLDERS ? '' : reader.string(),
  }
  if (item.edition > 0 === (item.metadata === '')) throw new CorruptDataError('an archive without its metadata')
  return item
}
