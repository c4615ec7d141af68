/** What benchmarks take on their command lines. */

/** Undefined, and what is wrong on standard error, where `read` throws; or the usage, where it reads nothing. */
export function readOrExplain<T>(usage: string, read: () => T | undefined): T | undefined {
  try {
    const options = read()
    if (!options) console.log(usage)
    return options
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`)
    process.exitCode = 2
    return undefined
  }
}

/** @throws Error with what there is to choose from */
export function chooseFrom<T extends string>(option: string, text: string, names: readonly T[]): T[] {
  return text.split(',').map(word => {
    const name = names.find(candidate => candidate === word)
    if (name === undefined) throw new Error(`${option} knows ${names.join(', ')}, not ${word}`)
    return name
  })
}

/** @throws Error where it is not a whole number from 1 */
export function positive(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} must be a whole number from 1, not ${text}`)
  return value
}
