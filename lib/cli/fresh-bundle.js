import { readFileSync, statSync } from 'node:fs'

/** The root of the checkout. */
const root = new URL('../../', import.meta.url)

/** Which sources the bundle was made of, as they were: `{ [path]: [bytes, mtimeMs] }`, paths from the root. */
const sourcesFile = new URL('dist/sources.json', root)

/** The URL of the bundle that `npm run build` made; undefined: there is none, or one of its sources has changed since. */
export function findFreshBundle() {
  try {
    const sources = Object.entries(JSON.parse(readFileSync(sourcesFile, 'utf8')))
    const isFresh = sources.every(([path, [bytes, mtimeMs]]) => {
      const now = statSync(new URL(path, root))
      return now.size === bytes && now.mtimeMs === mtimeMs
    })
    return isFresh ? new URL('dist/varve.js', root).href : undefined
  } catch {
    return undefined
  }
}
