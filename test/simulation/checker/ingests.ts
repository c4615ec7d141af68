/** What a source delivers is stored once, however often it is delivered; a key's records of a source in order keep it. */
import type { Ingested, Ingestion, Operation, Violation } from './history.ts'

export function checkIngests(history: readonly Operation[]): Violation[] {
  const ingested = history.filter((operation): operation is Ingested => operation.kind === 'ingested')
  const ingestions = history.filter((operation): operation is Ingestion => operation.kind === 'ingestion')
  return [...Map.groupBy(ingested, ({ topic }) => topic)].flatMap(([topic, partitions]) =>
    checkTopic(
      partitions,
      ingestions.filter(one => one.topic === topic),
    ),
  )
}

function checkTopic(partitions: readonly Ingested[], ingestions: readonly Ingestion[]): Violation[] {
  const violations: Violation[] = []
  const delivered = new Set(ingestions.flatMap(({ records }) => records))
  const found = new Set<string>()
  for (const { partition, records } of partitions) {
    for (const { record } of records) {
      if (found.has(record))
        violations.push({ property: 'duplicate', what: `${record} is stored again in ${partition}` })
      if (!delivered.has(record)) violations.push({ property: 'phantom', what: `${record} was never delivered` })
      found.add(record)
    }
  }
  for (const record of new Set(ingestions.flatMap(({ stored }) => stored))) {
    if (!found.has(record)) violations.push({ property: 'lost-write', what: `${record} was told to be stored` })
  }
  return [...violations, ...partitions.filter(({ isOrdered }) => isOrdered).flatMap(checkOrder)]
}

function checkOrder({ partition, records }: Ingested): Violation[] {
  const keyed = records.filter(({ key }) => key !== '')
  return [...Map.groupBy(keyed, ({ key }) => key)].flatMap(([key, own]) =>
    own.slice(1).flatMap(({ record }, before): Violation[] => {
      const previous = own[before]!.record
      if (numberIn(previous) < numberIn(record)) return []
      return [{ property: 'nonmonotonic-send', what: `${record} of ${key} lies behind ${previous} in ${partition}` }]
    }),
  )
}

function numberIn(record: string): number {
  return Number(record.slice(record.lastIndexOf(':') + 1))
}
