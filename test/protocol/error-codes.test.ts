import { expect, it } from 'vitest'
import { errorCodes, errorName, kafkaErrors } from '../../lib/protocol/index.ts'

it('has every code from -1 to 136 once, as Kafka 4.4 does', () => {
  const codes = Object.values(errorCodes).sort((a, b) => a - b)
  expect(codes).toEqual(Array.from({ length: 138 }, (_, i) => i - 1))
})

it('finds a name for every code', () => {
  for (const [name, { code }] of Object.entries(kafkaErrors)) expect(errorName(code)).toBe(name)
  expect(errorName(9_999)).toBe('UNKNOWN_SERVER_ERROR')
})

it('knows what clients try again', () => {
  expect(kafkaErrors.NOT_LEADER_OR_FOLLOWER).toMatchObject({ code: 6, retriable: true })
  expect(kafkaErrors.NOT_COORDINATOR).toMatchObject({ code: 16, retriable: true })
  expect(kafkaErrors.OUT_OF_ORDER_SEQUENCE_NUMBER).toMatchObject({ code: 45, retriable: false })
})
