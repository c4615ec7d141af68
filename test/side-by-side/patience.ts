const ATTEMPTS_MAX = 400
const PAUSE_MS = 50

/** Tries again and again until there is an answer: Kafka tells of many changes a little later. */
export async function untilThere<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
  }
  throw new Error(`${what} did not come in ${(ATTEMPTS_MAX * PAUSE_MS) / 1_000} s`)
}
