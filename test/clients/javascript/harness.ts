/** What the programs in JavaScript share: the command line of program.ts, waiting, and the records that all clients know. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'

/** Rejects where the server does not do as it should. `parameter` is what follows a colon in the case's name. */
export type Case = (bootstrap: string, parameter: string) => Promise<void>

export async function runCases(cases: Readonly<Record<string, Case>>): Promise<never> {
  const [first = '', ...names] = process.argv.slice(2)
  if (first === '--list') {
    process.stdout.write(Object.keys(cases).join('\n'), () => process.exit(0))
    return new Promise(() => {})
  }
  for (const full of names) {
    const [name = '', parameter = ''] = full.split(':')
    try {
      await cases[name]?.(first, parameter)
      console.log(`PASS ${full}`)
    } catch (error) {
      console.error(error)
      console.log(`FAIL ${full}: ${String(error).replaceAll('\n', ' ')}`)
    }
  }
  process.exit(0)
}

/** Asks for kill -9 and a new start of the server; resolves when it is back. */
export async function restartServer(): Promise<void> {
  console.log('RESTART')
  await once(process.stdin, 'data')
}

export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`
}

const UNTIL_MS_MAX = 60_000

/** Waits until `done` is true; `state` tells what there is instead, when it takes too long. */
export async function until(what: string, done: () => boolean, state: () => unknown): Promise<void> {
  const deadline = performance.now() + UNTIL_MS_MAX
  while (!done()) {
    if (performance.now() > deadline)
      throw new Error(`${what}: not within a minute; there is ${JSON.stringify(state())}`)
    await pause(20)
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof CODECS)[number]

/** A topic of one partition. */
export function interopTopic(writer: string, codec: string): string {
  return `interop.${writer}.${codec}`
}

/**
 * The hundred records that every client writes and reads with each codec, in this order: no key where the number ends in 0, no
 * value where it ends in 7, and one header, `writer`.
 */
export const INTEROP_RECORDS: readonly { key: string | null; value: string | null }[] = range(0, 100).map(index => ({
  key: index % 10 === 0 ? null : `key-${index}`,
  value: index % 10 === 7 ? null : `value-${index}-${'ä'.repeat(index)}`,
}))
