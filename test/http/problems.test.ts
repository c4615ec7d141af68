import { expect, test } from 'vitest'
import { silentLogger, VarveError } from '../../lib/base/index.ts'
import { problemOf, problemResponse, statuses } from '../../lib/http/problems.ts'

class CodedError extends VarveError {
  readonly code: string

  constructor(code: string) {
    super('secret detail')
    this.code = code
  }
}

test.each(Object.entries(statuses))('%s is a problem with status %i', async (code, status) => {
  const response = problemResponse(problemOf(new CodedError(code), silentLogger))
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(response.headers.has('retry-after')).toBe(status === 503)
  const problem = (await response.json()) as { detail: string }
  expect(problem).toMatchObject({ status, code: status === 500 ? 'INTERNAL' : code })
  // What only a bug or damage can cause is for the log alone.
  expect(problem.detail.includes('secret')).toBe(status !== 500)
})

test.each([new Error('secret detail'), new CodedError('CODE_FROM_NOWHERE'), 'thrown text'])(
  'anything else is 500, and goes to the log (%s)',
  error => {
    const logged: unknown[] = []
    const logger = { ...silentLogger, error: (_event: string, fields?: object) => logged.push(fields) }
    expect(problemOf(error, logger)).toMatchObject({ status: 500, code: 'INTERNAL' })
    expect(logged).toHaveLength(1)
  },
)
