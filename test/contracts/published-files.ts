/** What every PublishedFiles promises. An adapter's test is a call of `describePublishedFiles`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PublishedFiles } from '../../lib/storage/index.ts'

export interface PublishedPlace {
  readonly files: PublishedFiles
  remove(): Promise<void>
}

export function describePublishedFiles(name: string, makePlace: () => Promise<PublishedPlace>): void {
  describe(`published files: ${name}`, () => {
    let place: PublishedPlace
    beforeAll(async () => {
      place = await makePlace()
    })
    afterAll(() => place?.remove())

    const textOf = async (file: string) => {
      const bytes = await place.files.get(file)
      return bytes && Buffer.from(bytes).toString()
    }
    const put = (file: string, ...parts: string[]) =>
      place.files.put(
        file,
        parts.map(part => Buffer.from(part)),
      )

    test('a file is read back, its parts one after the other, and replaced as a whole', async () => {
      expect(await textOf('a/none.txt')).toBeUndefined()
      await put('a/one.txt', 'one ', 'two')
      expect(await textOf('a/one.txt')).toBe('one two')
      await put('a/one.txt', '3')
      expect(await textOf('a/one.txt')).toBe('3')
    })

    test('of many who replace it at once one is read', async () => {
      const texts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(1_000 + i))
      await Promise.all(texts.map(text => put('b/one.txt', text)))
      expect(texts).toContain(await textOf('b/one.txt'))
      expect(await place.files.list('b/')).toEqual(['b/one.txt'])
    })

    test('files are listed by what their names begin with, and deleted', async () => {
      for (const file of ['c/d/1-a.x', 'c/d/1-b.x', 'c/d/2-a.x', 'c/e/1-a.x']) await put(file, file)
      expect((await place.files.list('c/d/1')).sort()).toEqual(['c/d/1-a.x', 'c/d/1-b.x'])
      expect(await place.files.list('c/none/1')).toEqual([])
      await place.files.delete(['c/d/1-a.x', 'c/d/none'])
      expect((await place.files.list('c/')).sort()).toEqual(['c/d/1-b.x', 'c/d/2-a.x', 'c/e/1-a.x'])
      await place.files.delete([])
    })

    test.each(['../a', 'a/../b', '/a', 'a//b', 'a/.hidden', '', 'a b', 'ä'])('%j is no name', async file => {
      await expect(async () => put(file, 'x')).rejects.toMatchObject({ code: 'STORE_REFUSED' })
    })
  })
}
