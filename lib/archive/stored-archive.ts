/** An archive as it is stored: its pointer, its folder, and the files that others read. */
import { CorruptDataError, drawToken, hexOf, type Random } from '../base/index.ts'
import { type Topic, textConfig } from '../log/index.ts'
import { type Expected, type ItemStore, type PublishedFiles, StoreError, type Version } from '../storage/index.ts'
import { type ArchiveItem, archiveKey, decodeArchive, encodeArchive } from './archive-item.ts'

export interface ArchiveStores {
  readonly items: ItemStore
  readonly files: PublishedFiles
  readonly random: Random
}

export interface StoredArchive {
  readonly item: ArchiveItem
  readonly version: Version
}

/** Where all tables lie, beside the objects of the log. */
export const ARCHIVE_FOLDER = 'archive'

const TIME_DIGITS = 12
const TOKEN_DIGITS = 14

/** The folder of a topic's table. A name that begins with a dot would be hidden. */
export function tableFolder(topic: Pick<Topic, 'id' | 'name'>): string {
  return `${topic.name.replace(/^\./, '_')}/${topic.id}`
}

/** A name that no other attempt has. */
export function drawAttempt(random: Random, now: number): string {
  return hexOf(Math.max(0, Math.floor(now)), TIME_DIGITS) + hexOf(drawToken(random), TOKEN_DIGITS)
}

/** When it began, in ms. */
export function attemptTime(attempt: string): number {
  return Number.parseInt(attempt.slice(0, TIME_DIGITS), 16)
}

/** @throws StoreError, CorruptDataError */
export async function readArchive(items: ItemStore, topicId: string): Promise<StoredArchive | undefined> {
  const item = await items.get(archiveKey(topicId))
  return item && { item: decodeArchive(item.value), version: item.version }
}

/** By partition, the first offset that is not in the topic's table yet; undefined: it has none. @throws StoreError, CorruptDataError */
export async function neededByArchive(
  { items }: Pick<ArchiveStores, 'items'>,
  topic: Topic,
): Promise<readonly number[] | undefined> {
  if (textConfig(topic.configs, 'varve.archive') !== 'iceberg') return undefined
  return (await readArchive(items, topic.id))?.item.offsets ?? []
}

/**
 * Replaces the pointer; undefined: somebody else was faster, and nothing happened.
 * @throws StoreError; of unknown outcome, unless what is stored shows that it happened
 */
export async function swapArchive(
  { items, random }: Pick<ArchiveStores, 'items' | 'random'>,
  topicId: string,
  expected: Expected,
  item: ArchiveItem,
): Promise<Version | undefined> {
  const key = archiveKey(topicId)
  const version = drawToken(random)
  try {
    const outcome = await items.write([{ kind: 'put', key, expected, version, value: encodeArchive(item) }])
    return outcome.written ? version : undefined
  } catch (error) {
    if (!(error instanceof StoreError) || error.effect === 'none') throw error
    // Whoever wrote after us has read what we wrote, so only our own token tells.
    if ((await items.get(key))?.version === version) return version
    throw error
  }
}

/**
 * Makes the current metadata what readers of the folder find. It may be done again at any time. Who slept meanwhile does not put them
 * back to an older edition; a put that comes late may, so it is looked at again for a while (`isPublished`).
 * @throws StoreError, CorruptDataError
 */
export async function publish(
  { items, files }: Pick<ArchiveStores, 'items' | 'files'>,
  topic: Pick<Topic, 'id' | 'name'>,
  item: ArchiveItem,
): Promise<void> {
  if (item.edition === 0) return
  const folder = tableFolder(topic)
  const bytes = await needed(files, `${folder}/${item.metadata}`)
  await files.put(`${folder}/${publishedName(item.edition)}`, [bytes])
  const isCurrent = (await readArchive(items, topic.id))?.item.edition === item.edition
  if (isCurrent) await files.put(`${folder}/metadata/version-hint.text`, [Buffer.from(String(item.edition))])
}

/** Whether readers of the folder find this metadata. @throws StoreError */
export async function isPublished(
  files: PublishedFiles,
  topic: Pick<Topic, 'id' | 'name'>,
  { edition }: ArchiveItem,
): Promise<boolean> {
  const hint = edition === 0 ? undefined : await files.get(`${tableFolder(topic)}/metadata/version-hint.text`)
  return edition === 0 || (hint !== undefined && Number(Buffer.from(hint).toString()) === edition)
}

export function publishedName(edition: number): string {
  return `metadata/v${edition}.metadata.json`
}

/** A file's name by its URI, which may have been written where the folder lay then. */
export function nameIn(topic: Pick<Topic, 'id' | 'name'>, uri: string): string {
  const mark = `/${topic.id}/`
  const at = uri.lastIndexOf(mark)
  if (at < 0) throw new CorruptDataError(`${uri} is no file of the archive of ${topic.name}`)
  return `${tableFolder(topic)}/${uri.slice(at + mark.length)}`
}

/** @throws CorruptDataError where it is gone */
export async function needed(files: PublishedFiles, name: string): Promise<Uint8Array> {
  const bytes = await files.get(name)
  if (!bytes) throw new CorruptDataError(`${files.uri(name)} is missing`)
  return bytes
}

/** Files that nothing needs, as the pointer tells. @throws StoreError */
export async function clearAway(
  { files }: Pick<ArchiveStores, 'files'>,
  topic: Pick<Topic, 'id' | 'name'>,
  { abandoned, removing }: ArchiveItem,
): Promise<void> {
  const folder = tableFolder(topic)
  const names = removing.map(name => `${folder}/${name}`)
  for (const attempt of abandoned) {
    names.push(
      ...(await files.list(`${folder}/data/${attempt}`)),
      ...(await files.list(`${folder}/metadata/${attempt}`)),
    )
  }
  if (names.length > 0) await files.delete(names)
}
