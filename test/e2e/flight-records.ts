import { type Flight, smallFlights } from '../support/flights.ts'

/** A flight as the tests send it: numbered, so that each can be told from every other, and keyed by its origin. */
export interface FlightRecord {
  readonly id: number
  readonly key: string
  readonly value: string
}

/** The first `count` of the 20,000, numbered from `firstId`; after the last it begins again. */
export async function flightRecords(count: number, firstId = 0): Promise<FlightRecord[]> {
  const flights: Flight[] = []
  for await (const flight of smallFlights()) flights.push(flight)
  return Array.from({ length: count }, (_, i) => {
    const id = firstId + i
    const flight = flights[id % flights.length]!
    return { id, key: flight.origin, value: JSON.stringify({ id, ...flight }) }
  })
}

/** Runs of up to `size` elements, in order. */
export function inRunsOf<T>(size: number, elements: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(elements.length / size) }, (_, i) => elements.slice(i * size, (i + 1) * size))
}
