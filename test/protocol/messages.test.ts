import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apis, ProtocolError } from '../../lib/protocol/index.ts'
import { structOf } from './arbitraries.ts'
import { expectedStruct, type Struct, subjects, versionsOf } from './tables.ts'

const RUNS = 40

describe.each(subjects)('$title', ({ message }) => {
  const values = structOf(message.fields)
  const encode = (value: Struct, version: number) => Buffer.concat(message.encode(value, version))

  it.each(versionsOf(message))(
    'version %i decodes to what was encoded, with defaults for what the version lacks',
    version => {
      fc.assert(
        fc.property(values, value => {
          const decoded = message.decode(encode(value, version), version)
          // isDeepStrictEqual is much faster than expect, which then shows the difference.
          const expected = expectedStruct(message.fields, version, value)
          if (!isDeepStrictEqual(decoded, expected)) expect(decoded).toEqual(expected)
        }),
        { numRuns: RUNS },
      )
    },
  )

  it.each(versionsOf(message))('version %i refuses every truncation', version => {
    fc.assert(
      fc.property(values, value => {
        const whole = encode(value, version)
        const step = Math.max(1, Math.floor(whole.length / 100))
        for (let length = 0; length < whole.length; length += step) {
          if (!throwsProtocolError(() => message.decode(whole.subarray(0, length), version))) {
            expect.fail(`${length} of ${whole.length} bytes were taken for whole`)
          }
        }
      }),
      { numRuns: 3 },
    )
  })

  it('takes damaged bytes for a message or throws ProtocolError, and nothing else', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 })
    const versions = fc.constantFrom(...versionsOf(message))
    fc.assert(
      fc.property(values, versions, damage, (value, version, changes) => {
        const bytes = encode(value, version)
        for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte
        throwsProtocolError(() => message.decode(bytes, version))
      }),
      { numRuns: 50 },
    )
  })
})

it('has one API for each key, whose request and response have the same versions', () => {
  expect(new Set(apis.map(api => api.key)).size).toBe(apis.length)
  for (const { request, response } of apis) {
    expect(response.versions).toEqual(request.versions)
    for (const version of versionsOf(request)) expect(response.isFlexible(version)).toBe(request.isFlexible(version))
  }
})

it('refuses versions that a message does not have', () => {
  for (const { message } of subjects) {
    for (const version of [-1, message.versions[0] - 1, message.versions[1] + 1]) {
      expect(throwsProtocolError(() => message.decode(Buffer.alloc(1000), version))).toBe(true)
    }
  }
})

/** Whether `run` throws ProtocolError; any other error goes through. */
function throwsProtocolError(run: () => unknown): boolean {
  try {
    run()
    return false
  } catch (error) {
    if (error instanceof ProtocolError) return true
    throw error
  }
}
