import { type Measurement, median, type StoreRequests } from './measurement.ts'
import type { TargetName } from './targets.ts'
import type { Workload } from './workloads.ts'

/** The results of a run, as text: medians over the rounds. */
export interface Result {
  readonly workload: Workload
  readonly target: TargetName
  readonly measurement: Measurement
  readonly stores: StoreRequests | undefined
  /** The most memory that the server had meanwhile; 0: unknown. */
  readonly peakBytes: number
}

export interface ServerFigures {
  readonly target: TargetName
  readonly readyMs: readonly number[]
  /** When all was done. */
  readonly memoryBytes: number
}

const readyMsMax = 1_000
const memoryMebibytesMax = 400

export function describeResults(results: readonly Result[]): string {
  const lines: string[] = []
  for (const [workload, ofWorkload] of Map.groupBy(results, result => result.workload)) {
    lines.push('', `${workload.name}: ${workload.client}, ${workload.about}`)
    const targets = Map.groupBy(ofWorkload, result => result.target)
    lines.push(row('', 'MB/s', 'records/s', 'p50 ms', 'p95 ms', 'p99 ms', 'requests', '$ list price', 'peak MiB'))
    for (const [target, rounds] of targets) lines.push(describeTarget(target, rounds))
    lines.push(`  ${[...judge(workload, targets), ...judgeMemory(targets)].join('; ')}`)
  }
  return lines.join('\n')
}

export function describeServers(servers: readonly ServerFigures[]): string {
  const lines = ['', 'server', row('', 'ready ms', 'MiB at end')]
  for (const { target, readyMs, memoryBytes } of servers) {
    lines.push(row(target, round(median(readyMs)), mebibytes(memoryBytes)))
  }
  const varve = servers.find(server => server.target === 'varve')
  if (varve) lines.push(`  ${verdict(median(varve.readyMs) <= readyMsMax, `ready within ${readyMsMax} ms`)}`)
  return lines.join('\n')
}

function describeTarget(target: TargetName, rounds: readonly Result[]): string {
  const of = (figure: (measurement: Measurement) => number | undefined): string => {
    const values = rounds.map(({ measurement }) => figure(measurement)).filter(value => value !== undefined)
    return values.length > 0 ? round(median(values)) : '-'
  }
  const stores = rounds.map(result => result.stores).filter(requests => requests !== undefined)
  return row(
    target,
    of(m => m.megabytesPerSecond),
    of(m => m.recordsPerSecond),
    of(m => m.p50),
    of(m => m.p95),
    of(m => m.p99),
    stores.length > 0 ? round(median(stores.map(({ requests }) => requests))) : '-',
    stores.length > 0 ? median(stores.map(({ dollars }) => dollars)).toFixed(6) : '-',
    mebibytes(Math.max(...rounds.map(({ peakBytes }) => peakBytes))),
  )
}

function judge({ floor }: Workload, targets: ReadonlyMap<TargetName, readonly Result[]>): string[] {
  const speed = (target: TargetName) =>
    median((targets.get(target) ?? []).map(({ measurement }) => measurement.megabytesPerSecond ?? Number.NaN))
  if (floor && 'p50Ms' in floor) {
    const p50 = median((targets.get('varve') ?? []).map(({ measurement }) => measurement.p50 ?? Number.NaN))
    return [Number.isNaN(p50) ? 'not judged without varve' : verdict(p50 <= floor.p50Ms, `p50 up to ${floor.p50Ms} ms`)]
  }
  const ratio = speed('varve') / speed('kafka')
  if (Number.isNaN(ratio) && !floor) return ['no floor']
  if (Number.isNaN(ratio)) return ['not compared without both varve and kafka']
  if (!floor) return [`${ratio.toFixed(2)} × kafka`]
  return [verdict(ratio >= floor.ofKafka, `floor ${floor.ofKafka} × kafka: ${ratio.toFixed(2)} ×`)]
}

function judgeMemory(targets: ReadonlyMap<TargetName, readonly Result[]>): string[] {
  const peakBytes = Math.max(0, ...(targets.get('varve') ?? []).map(result => result.peakBytes))
  if (peakBytes === 0) return []
  return [verdict(peakBytes / 2 ** 20 <= memoryMebibytesMax, `memory up to ${memoryMebibytesMax} MiB`)]
}

function verdict(reached: boolean, floor: string): string {
  return `${reached ? 'reached' : 'MISSED'}  ${floor}`
}

function row(name: string, ...cells: readonly string[]): string {
  return `  ${name.padEnd(12)}${cells.map(cell => cell.padStart(13)).join('')}`
}

function mebibytes(bytes: number): string {
  return bytes > 0 ? round(bytes / 2 ** 20) : '-'
}

function round(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 })
}
