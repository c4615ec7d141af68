/** Where two transcripts of one script differ, and which of that is accepted. */
import { type Entry, keyOf } from './transcript.ts'

export interface Difference {
  readonly script: string
  /** Of the request in the script, from 1. */
  readonly request: number
  /** API and version. */
  readonly asked: string
  /** Names of fields, without positions in lists. */
  readonly path: string
  readonly kafka: unknown
  readonly varve: unknown
}

export interface AcceptedDifference {
  /** Name of the API; absent: any. */
  readonly api?: string
  readonly path: RegExp
  /** Absent: whatever the values are. */
  readonly values?: (kafka: unknown, varve: unknown) => boolean
  readonly script?: RegExp
  /** Not seen each time. */
  readonly mayBeAbsent?: true
  readonly reason: string
}

export function compareTranscripts(script: string, kafka: readonly Entry[], varve: readonly Entry[]): Difference[] {
  const differences: Difference[] = []
  for (let index = 0; index < Math.max(kafka.length, varve.length); index++) {
    const asked = (kafka[index] ?? varve[index])!.asked
    const note = (path: string, a: unknown, b: unknown) => {
      differences.push({ script, request: index + 1, asked, path, kafka: a, varve: b })
    }
    compare('', kafka[index]?.answer, varve[index]?.answer, note)
  }
  return differences
}

export function isAccepted(difference: Difference, { api, path, values, script }: AcceptedDifference): boolean {
  if (api !== undefined && difference.asked.split(' ')[0] !== api) return false
  if (script !== undefined && !script.test(difference.script)) return false
  return path.test(difference.path) && (values?.(difference.kafka, difference.varve) ?? true)
}

type Note = (path: string, kafka: unknown, varve: unknown) => void

function compare(path: string, kafka: unknown, varve: unknown, note: Note): void {
  if (Array.isArray(kafka) && Array.isArray(varve)) {
    compareLists(path, kafka, varve, note)
  } else if (isStruct(kafka) && isStruct(varve)) {
    for (const name of new Set([...Object.keys(kafka), ...Object.keys(varve)])) {
      compare(path === '' ? name : `${path}.${name}`, kafka[name], varve[name], note)
    }
  } else if (kafka !== varve) note(path, kafka, varve)
}

/** Lists of named things are compared by name, so that one that is missing does not shift the rest. */
function compareLists(path: string, kafka: readonly unknown[], varve: readonly unknown[], note: Note): void {
  const [first, second] = [byName(kafka), byName(varve)]
  if (!first || !second) {
    for (let index = 0; index < Math.max(kafka.length, varve.length); index++) {
      compare(path, kafka[index], varve[index], note)
    }
    return
  }
  for (const name of new Set([...first.keys(), ...second.keys()])) {
    compare(path, first.get(name), second.get(name), note)
  }
}

function byName(values: readonly unknown[]): Map<string, unknown> | undefined {
  const named = new Map<string, unknown>()
  for (const value of values) {
    const name = keyOf(value)
    if (name === undefined) return undefined
    named.set(name, value)
  }
  return named.size === values.length ? named : undefined
}

function isStruct(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
