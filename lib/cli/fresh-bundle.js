import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The root of the checkout. */
const root = join(import.meta.dirname, '../..')

/** Which sources the bundle was made of, as they were: `{ [path]: [bytes, mtimeMs] }`, paths from the root. */
const sourcesFile = join(root, 'dist/sources.json')

/** The URL of the bundle that `npm run build` made; undefined: there is none, or one of its sources has changed since. */
export function findFreshBundle() {
  try {
    const sources = Object.entries(JSON.parse(readFileSync(sourcesFile, 'utf8')))
    const isFresh = sources.every(([path, [bytes, mtimeMs]]) => {
      const now = statSync(`${root}/${path}`)
      return now.size === bytes && now.mtimeMs === mtimeMs
    })
    return isFresh ? pathToFileURL(join(root, 'dist/varve.js')).href : undefined
  } catch {
    return undefined
  }
}
