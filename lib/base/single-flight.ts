/** Callers that ask for the same key while it is being fetched share one fetch and its outcome. */
export class SingleFlight<K, V> {
  readonly #flights = new Map<K, Promise<V>>()

  has(key: K): boolean {
    return this.#flights.has(key)
  }

  run(key: K, fetch: () => Promise<V>): Promise<V> {
    const flying = this.#flights.get(key)
    if (flying) return flying
    const flight = fetch().finally(() => this.#flights.delete(key))
    this.#flights.set(key, flight)
    return flight
  }
}
