/**
 * How long a request waits for its write. Kafka's `timeoutMs` is for the wait for replicas, and never for the leader's own write, so a
 * client may well send 0. Here that write is all that there is to wait for: it gets the time that a slow store may take.
 */
const leastMs = 5_000

export function writeTimeMs(timeoutMs: number): number {
  return Math.max(timeoutMs, leastMs)
}
