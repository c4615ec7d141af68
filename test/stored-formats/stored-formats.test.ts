/**
 * What the first release stores can be read and is written the same for ever: `v1/` has the bytes of each document and blob. A test
 * fails here if a format changed without a new version: then stores of users would be lost. See write-golden.ts.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CorruptDataError } from '../../lib/base/index.ts'
import { storedFormats } from './formats.ts'
import { goldenFolder, keysFile, readGolden } from './stored-format.ts'
import { storedKeys } from './stored-keys.ts'

const root = join(import.meta.dirname, '..', '..')
const formats = storedFormats()

describe.each(formats)('$name', ({ name, sample, encodeSample, decode, encodeDecoded, versionAt, isOld }) => {
  const golden = readGolden(name)

  test('of the first release is read as what was written', () => expect(decode(golden)).toEqual(sample()))

  test.skipIf(isOld)('is written as the first release wrote it', () => {
    expect(hexOf(encodeSample())).toBe(hexOf(golden))
    expect(hexOf(encodeDecoded(golden))).toBe(hexOf(golden))
  })

  test('of a newer format is refused, and the error says what to do', () => {
    const newer = Buffer.from(golden)
    const place = (versionAt + newer.length) % newer.length
    newer[place]! += 6
    expect(() => decode(newer)).toThrow(CorruptDataError)
    const complaint =
      /^[A-Za-z ]+ format \d is newer than this Varve, which knows .*: run the version that wrote it, or a later/
    expect(() => decode(newer)).toThrow(complaint)
  })

  test('with broken bytes is read or refused as corrupt, and nothing else', () => {
    for (const at of golden.keys()) {
      for (const flipped of [0x01, 0x80, 0xff]) {
        const broken = Buffer.from(golden)
        broken[at]! ^= flipped
        expectReadOrCorrupt(() => decode(broken))
      }
    }
    for (const length of golden.keys()) expectReadOrCorrupt(() => decode(golden.subarray(0, length)))
  })

  test('cut short is refused', () => {
    expect(() => decode(new Uint8Array())).toThrow()
    // The second byte of a listing may be missing.
    if (name.startsWith('group-listing')) return
    expect(() => decode(versionAt < 0 ? golden.subarray(1) : golden.subarray(0, -1))).toThrow()
  })
})

function expectReadOrCorrupt(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(CorruptDataError)
  }
}

test('everything lies where the first release put it', () => {
  expect(storedKeys()).toEqual(JSON.parse(readFileSync(keysFile, 'utf8')))
})

describe('nothing is left out', () => {
  const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts'))
    .map(path => ({ path: `lib/${path.replaceAll('\\', '/')}`, text: readFileSync(join(root, 'lib', path), 'utf8') }))

  test('each file that declares a format has a golden file', () => {
    const declaring = sources.filter(({ text }) => /\bconst (FORMAT_VERSION|formatVersion) =/.test(text))
    expect(declaring.map(({ path }) => path).sort()).toEqual([...new Set(formats.map(({ source }) => source))].sort())
  })

  test('each item is put with a value that a codec wrote', () => {
    const putting = sources.filter(({ path, text }) => /kind: 'put'/.test(text) && !path.startsWith('lib/storage/'))
    expect(putting.length).toBeGreaterThan(15)
    // Segments and snapshots, as their codecs made them; topics, through `#put`.
    const passedOn = ['lib/log/segment/segment-store.ts', 'lib/log/topics/topic-writes.ts']
    const bare = putting.filter(
      ({ path, text }) =>
        !passedOn.includes(path) &&
        (!/\bencode[A-Z]\w*\(/.test(text) ||
          /kind: 'put'[^}]*value: (new Uint8Array\(|Uint8Array\.|Buffer\.)/.test(text)),
    )
    expect(bare.map(({ path }) => path)).toEqual([])
  })

  test('each golden file has a format, and each format a name of its own', () => {
    const names = formats.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(readdirSync(goldenFolder).sort()).toEqual([...names.map(name => `${name}.bin`), 'keys.json'].sort())
  })

  test('the script changes no file that is there', () => {
    const before = readGolden('head')
    const node = process.execPath
    const said = execFileSync(node, [join(import.meta.dirname, 'write-golden.ts')], { encoding: 'utf8' })
    expect(said).toMatch(/^0 files written/)
    expect(readGolden('head')).toEqual(before)
  })
})

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
