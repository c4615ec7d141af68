/** The keys that more than one of the values has. */
export function findRepeated<T, K>(values: readonly T[], keyOf: (value: T) => K): Set<K> {
  const seen = new Set<K>()
  const repeated = new Set<K>()
  for (const value of values) {
    const key = keyOf(value)
    if (seen.has(key)) repeated.add(key)
    seen.add(key)
  }
  return repeated
}
