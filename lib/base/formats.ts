import { CorruptDataError } from './errors.ts'

/**
 * All that is stored begins or ends with the version of its format. One that is newer than this Varve knows is refused
 * and never guessed at: what it means may have changed. `oldest` where older ones are read too.
 * @throws CorruptDataError that says what to do
 */
export function checkFormat(what: string, found: number, newest: number, oldest = newest): void {
  if (found >= oldest && found <= newest) return
  const known = oldest === newest ? `${newest}` : `${oldest} to ${newest}`
  throw new CorruptDataError(
    found > newest
      ? `${what} format ${found} is newer than this Varve, which knows ${known}: run the version that wrote it, or a later one`
      : `${what} format ${found} is none that this Varve knows (${known})`,
  )
}

/** The JSON within a stored document. @throws CorruptDataError */
export function parseStoredJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CorruptDataError(`${what}: ${String(error)}`)
  }
}
