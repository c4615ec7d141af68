/**
 * One line on stderr for work that takes longer than a second: drawn over itself on a terminal, a new line each second
 * where --progress asks for it elsewhere, nothing otherwise.
 */
const quietMs = 1_000

export class Progress {
  readonly #describe: () => string
  readonly #terminal: boolean
  readonly #timer: NodeJS.Timeout | undefined
  #drawn = false

  /** `describe` says how far the work is, in one line. `wanted` undefined: only on a terminal. */
  constructor(describe: () => string, wanted?: boolean) {
    this.#describe = describe
    this.#terminal = process.stderr.isTTY
    if (!(wanted ?? this.#terminal)) return
    this.#timer = setTimeout(() => this.#draw(), quietMs)
  }

  /** Removes the line, so that a last word may follow. */
  end(): void {
    clearTimeout(this.#timer)
    if (this.#drawn && this.#terminal) process.stderr.write('\r\x1b[K')
  }

  #draw(): void {
    const line = this.#describe()
    const width = process.stderr.columns ?? 120
    process.stderr.write(this.#terminal ? `\r\x1b[K${line.slice(0, width - 1)}` : `${line}\n`)
    this.#drawn = true
    this.#timer?.refresh()
  }
}

/** A rate and its total in words: `12,000 records, 11.7 MiB, 24,100 records/s`. */
export function describeFlow(records: number, bytes: number, sinceMs: number): string {
  const seconds = Math.max((performance.now() - sinceMs) / 1_000, 0.001)
  return `${count(records)} records, ${(bytes / 2 ** 20).toFixed(1)} MiB, ${count(Math.round(records / seconds))} records/s`
}

/** Part of a known whole, its rate, and how long it will take: `12,000 records, 11.7 of 40.2 MiB, 5.1 MiB/s, 6 s left`. */
export function describeShare(
  { records, bytes, totalBytes }: { readonly records: number; readonly bytes: number; readonly totalBytes: number },
  sinceMs: number,
): string {
  const seconds = Math.max((performance.now() - sinceMs) / 1_000, 0.001)
  const rate = bytes / seconds
  const left = rate > 0 ? `${count(Math.ceil(Math.max(0, totalBytes - bytes) / rate))} s left` : 'no byte yet'
  const mib = (size: number) => (size / 2 ** 20).toFixed(1)
  return `${count(records)} records, ${mib(bytes)} of ${mib(totalBytes)} MiB, ${mib(rate)} MiB/s, ${left}`
}

export function count(number: number): string {
  return number.toLocaleString('en-US')
}
