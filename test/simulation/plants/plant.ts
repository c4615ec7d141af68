/**
 * Bugs planted to see that they are found: each changes a few words of the engine's files as they are loaded into a
 * worker. The product has no switches for them. A plant whose words are not in the file any more fails loudly.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import type { Focus } from '../plan.ts'

export interface Plant {
  readonly name: string
  /** Other histories cannot show it. */
  readonly focus?: Focus
  readonly edits: readonly Edit[]
}

export interface Edit {
  /** Under lib/. */
  readonly file: string
  /** Must be there exactly once. */
  readonly find: string
  readonly replace: string
}

/** The engine files of a plant with the bug in them, by URL. @throws Error if words to change are not there once */
export function plantedSources({ name, edits }: Plant): Map<string, string> {
  const sources = new Map<string, string>()
  for (const { file, find, replace } of edits) {
    const url = new URL(`../../../lib/${file}`, import.meta.url)
    const source = sources.get(url.href) ?? readFileSync(url, 'utf8')
    const parts = source.split(find)
    if (parts.length !== 2) throw new Error(`plant '${name}': '${find}' is ${parts.length - 1} times in ${file}`)
    sources.set(url.href, parts.join(replace))
  }
  return sources
}

/** From here on this thread loads the engine with the bug in it. To be called before the engine is loaded. */
export function plantBug(plant: Plant): void {
  const sources = plantedSources(plant)
  registerHooks({
    load: (url, context, nextLoad) => {
      const source = sources.get(url)
      return source === undefined ? nextLoad(url, context) : { format: 'module-typescript', source, shortCircuit: true }
    },
  })
}
