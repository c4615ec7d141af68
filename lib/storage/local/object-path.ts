/**
 * Where an object lies below the root: one folder for each part of its key, so that a listing reads little. Names use
 * lower-case letters, digits, `_` and `-`; every other byte of UTF-8 is `%` and two hex digits, so that keys which
 * differ only in case stay apart on any file system and no key leads out of the root. An empty part is `%`. What would
 * be too long for a file name goes on in a folder below, marked with `+`. Objects end in `.object`: `a` and `a/b` can
 * both be there.
 */

/** File systems take 255 bytes; the rest is room for the marks. */
const PIECE_LENGTH = 200
const GOES_ON = '+'
const OBJECT = '.object'
const FILE_NAME = /^[a-z0-9_%-]+(\.object|\+)?$/

/** Names from the root down; the last is the file. */
export function objectPath(key: string): string[] {
  const names = key.split('/').flatMap(encodePart)
  names.push(names.pop() + OBJECT)
  return names
}

/** The folder in which all keys with this prefix lie. */
export function prefixPath(prefix: string): string[] {
  return prefix.split('/').slice(0, -1).flatMap(encodePart)
}

export function isObjectName(name: string): boolean {
  return FILE_NAME.test(name) && name.endsWith(OBJECT)
}

export function isFolderName(name: string): boolean {
  return FILE_NAME.test(name) && !name.endsWith(OBJECT)
}

/** The key of an object by its names from the root. */
export function objectKey(names: readonly string[]): string {
  return decodeNames(names.join('/').slice(0, -OBJECT.length))
}

/** What all keys in this folder begin with; undefined where a part goes on below, so that only its first bytes are known. */
export function folderPrefix(names: readonly string[]): string | undefined {
  if (names.at(-1)?.endsWith(GOES_ON)) return undefined
  return names.length === 0 ? '' : `${decodeNames(names.join('/'))}/`
}

function encodePart(part: string): string[] {
  if (part === '') return ['%']
  const encoded = part.replace(/[^a-z0-9_-]+/gu, encodeBytes)
  const pieces: string[] = []
  for (let at = 0; at < encoded.length; at += PIECE_LENGTH) {
    const piece = encoded.slice(at, at + PIECE_LENGTH)
    pieces.push(at + PIECE_LENGTH < encoded.length ? piece + GOES_ON : piece)
  }
  return pieces
}

function encodeBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('hex').replace(/../g, '%$&')
}

function decodeNames(path: string): string {
  return path
    .replaceAll(`${GOES_ON}/`, '')
    .split('/')
    .map(part => (part === '%' ? '' : part.replace(/(%[0-9a-f]{2})+/g, decodeBytes)))
    .join('/')
}

function decodeBytes(encoded: string): string {
  return Buffer.from(encoded.replaceAll('%', ''), 'hex').toString('utf8')
}
