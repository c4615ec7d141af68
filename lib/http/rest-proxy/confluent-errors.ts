/** Errors as Confluent's REST Proxy tells them: its error codes where it has one, else the status and 01. */
import type { Logger } from '../../base/index.ts'
import { problemOf } from '../problems.ts'

const codes: Readonly<Record<string, number>> = {
  UNKNOWN_TOPIC: 40401,
  UNKNOWN_PARTITION: 40402,
  UNKNOWN_INSTANCE: 40403,
  UNKNOWN_MEMBER_ID: 40403,
  NOT_ACCEPTABLE: 40601,
  INSTANCE_EXISTS: 40902,
  ALREADY_SUBSCRIBED: 40903,
  MALFORMED_BODY: 42201,
  BAD_REQUEST: 42201,
  TOPIC_EXISTS: 40002,
}

export interface ConfluentError {
  readonly error_code: number
  readonly message: string
}

export function confluentErrorOf(error: unknown, logger: Logger): ConfluentError & { readonly status: number } {
  const { status, code, detail, title } = problemOf(error, logger)
  const known = codes[code]
  const told = known === undefined ? status : Math.floor(known / 100)
  const errorCode = known ?? (status >= 500 ? (status === 500 ? 50002 : 50003) : status * 100 + 1)
  return { status: told, error_code: errorCode, message: detail ?? title }
}

/** `mediaType`: of the API's version. */
export function confluentResponse(error: unknown, logger: Logger, mediaType: string): Response {
  const { status, ...body } = confluentErrorOf(error, logger)
  const retry = status === 503 ? { 'retry-after': '1' } : {}
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': mediaType, ...retry } })
}
