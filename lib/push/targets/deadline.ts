/** Every receiver has a time to answer in. */
import type { Clock } from '../../base/index.ts'

/** Does `work` with a signal that aborts with `signal`, and when `ms` are over: then with an error that says so. */
export async function within<T>(
  ms: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController()
  const done = new AbortController()
  const timer = clock.sleep(ms, done.signal).then(() => {
    if (!done.signal.aborted) limit.abort(new Error(`no answer within ${ms} ms`))
  })
  try {
    return await work(AbortSignal.any([signal, limit.signal]))
  } catch (error) {
    // Clients have errors of their own for an abort, which do not say why.
    throw limit.signal.aborted ? limit.signal.reason : error
  } finally {
    done.abort()
    await timer
  }
}
