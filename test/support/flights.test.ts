import { expect, test } from 'vitest'
import { type Flight, MANY_FLIGHTS, manyFlights, SMALL_FLIGHTS, smallFlights } from './flights.ts'

const form = {
  date: expect.stringMatching(/^2001\/\d\d\/\d\d \d\d:\d\d$/),
  delay: expect.any(Number),
  distance: expect.any(Number),
  origin: expect.stringMatching(/^[A-Z]{3}$/),
  destination: expect.stringMatching(/^[A-Z]{3}$/),
}

async function survey(flights: AsyncIterable<Flight>) {
  const origins = new Set<string>()
  let count = 0
  for await (const flight of flights) {
    if (count++ % 10_000 === 0) expect(flight).toEqual(form)
    origins.add(flight.origin)
  }
  return { count, origins: origins.size }
}

test('twenty thousand flights', async () => {
  expect(await survey(smallFlights())).toEqual({ count: SMALL_FLIGHTS, origins: 220 })
})

test('three million flights, in the same form', async () => {
  expect(await survey(manyFlights())).toEqual({ count: MANY_FLIGHTS, origins: 229 })
})
