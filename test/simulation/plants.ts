/**
 * Bugs planted to see that they are found: each changes a few words of one engine file as it is loaded into a worker. The
 * product has no switches for them. A plant whose words are not in the file any more fails loudly.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

export interface Plant {
  readonly name: string
  /** From the top of the tree. */
  readonly file: string
  /** Must be there exactly once. */
  readonly find: string
  readonly replace: string
}

export const plants: readonly Plant[] = []

/** The text of the engine file with the bug in it. @throws Error if the words to change are not there once */
export function plantedSource(plant: Plant): string {
  const source = readFileSync(fileOf(plant), 'utf8')
  const parts = source.split(plant.find)
  if (parts.length !== 2) throw new Error(`plant ${plant.name}: found ${parts.length - 1} times in ${plant.file}`)
  return parts.join(plant.replace)
}

/** From here on this thread loads the engine with the bug in it. To be called before the engine is loaded. */
export function plantBug(plant: Plant): void {
  const source = plantedSource(plant)
  const { href } = fileOf(plant)
  registerHooks({
    load: (url, context, nextLoad) =>
      url === href ? { format: 'module-typescript', source, shortCircuit: true } : nextLoad(url, context),
  })
}

function fileOf({ file }: Plant): URL {
  return new URL(`../../${file}`, import.meta.url)
}
