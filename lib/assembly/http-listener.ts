/**
 * The HTTP interface as Node's server calls it. A module of its own, for it is loaded with the first request: a third of all code
 * is behind it, and a start does not wait for what may never be asked for.
 */
import type { RequestListener } from 'node:http'
import { getRequestListener, RequestError } from '@hono/node-server'
import { badRequestResponse, createHttpApp, type HttpOptions, problemOf, problemResponse } from '../http/index.ts'
import { openHttpAccess } from './http-access.ts'
import type { HttpAccessConfig } from './http-config.ts'

export function createHttpListener(
  config: HttpAccessConfig,
  options: Omit<HttpOptions, 'access' | 'corsOrigins'>,
): RequestListener {
  const app = createHttpApp({ ...options, ...openHttpAccess(config, options) })
  return getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    // Of requests that cannot come to the app: without a Host, or with a path that is none.
    errorHandler: error =>
      error instanceof RequestError
        ? badRequestResponse(error.message)
        : problemResponse(problemOf(error, options.logger)),
  })
}
