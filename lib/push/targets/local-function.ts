/**
 * A function in a folder of the user's, in the place of a Lambda function: `<folder>/<name>.mjs` exports `handler(event, context)`
 * as Lambda's Node runtime has it, so the same module runs here and there. Loaded once a process.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Clock } from '../../base/index.ts'
import type { Delivery, PushBatch, Target } from '../contract.ts'
import { PushError } from '../errors.ts'
import { briefly, deliveryOf, failed } from './outcome.ts'

const TIMEOUT_MS = 900_000

export interface Functions {
  readonly folder: string
  readonly clock: Clock
  /** Loads the module at a URL. */
  readonly load: (url: string) => Promise<{ readonly handler?: unknown }>
}

/** @throws PushError INVALID_SUBSCRIPTION */
export function localFunction(name: string, functions: Functions): Target {
  if (!/^[\w-]{1,64}$/.test(name)) {
    throw new PushError('INVALID_SUBSCRIPTION', "A function's name has 1 to 64 letters, digits, dashes or underscores.")
  }
  return { deliver: (batch, signal) => call({ ...functions, name }, batch, signal) }
}

interface LocalFunction extends Functions {
  readonly name: string
}

async function call(
  { name, folder, clock, load }: LocalFunction,
  batch: PushBatch,
  signal: AbortSignal,
): Promise<Delivery> {
  const deadline = clock.monotonic() + TIMEOUT_MS
  const ended = new AbortController()
  const over = clock.sleep(TIMEOUT_MS, AbortSignal.any([signal, ended.signal])).then(() => {
    throw new Error(ended.signal.aborted || signal.aborted ? 'ended' : `no answer within ${TIMEOUT_MS} ms`)
  })
  over.catch(() => undefined)
  try {
    const { handler } = await load(pathToFileURL(join(folder, `${name}.mjs`)).href)
    if (typeof handler !== 'function') return failed(`${name}.mjs does not export a function named handler`)
    const context = { functionName: name, getRemainingTimeInMillis: () => Math.max(0, deadline - clock.monotonic()) }
    const answer = await Promise.race([handler(JSON.parse(batch.body), context), over])
    return deliveryOf(answer, batch)
  } catch (error) {
    return failed(briefly(String(error)))
  } finally {
    ended.abort()
  }
}
