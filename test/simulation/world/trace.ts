/** What is kept of a history: nothing (the seed gives it again), the hash of its trace, or the trace's lines too. */
export type Tracing = 'none' | 'hash' | 'lines'

/**
 * What happened, in order, as lines. The running hash covers every line ever noted, so two runs with the same hash
 * did the same; the lines themselves are kept only when asked for.
 */
export class Trace {
  readonly lines: string[] = []
  readonly #keep: boolean
  #low = 0x811c9dc5
  #high = 0x01000193

  constructor(tracing: Tracing) {
    this.#keep = tracing === 'lines'
  }

  note(line: string): void {
    let low = this.#low
    let high = this.#high
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i)
      low = Math.imul(low ^ code, 0x01000193)
      high = Math.imul(high ^ code, 0x85ebca6b)
    }
    this.#low = low ^ (low >>> 13)
    this.#high = high ^ (high >>> 15)
    if (this.#keep) this.lines.push(line)
  }

  /** 16 hex digits. */
  get hash(): string {
    return [this.#high, this.#low].map(half => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }
}
