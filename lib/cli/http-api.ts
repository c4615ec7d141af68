import { CommandError } from './failure.ts'

export interface HttpOptions {
  readonly url: string
  readonly json?: boolean
}

/** A request to Varve's HTTP interface, with the key that the environment has. Undefined: an answer without a body. */
export async function callHttp(method: string, path: string, { url }: HttpOptions, body?: object): Promise<unknown> {
  const key = process.env.VARVE_API_KEY
  let answer: Response
  try {
    answer = await fetch(new URL(path, url), {
      method,
      headers: {
        ...(key ? { authorization: `Bearer ${key}` } : {}),
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  } catch {
    throw new CommandError(
      `Cannot reach Varve's HTTP at ${url}: start it with \`varve start\`, or name another with --url.`,
    )
  }
  if (answer.status === 401) {
    throw new CommandError(
      `${url} does not know you: set VARVE_API_KEY to a key that may do this (at first, the server's VARVE_ADMIN_KEY).`,
    )
  }
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string; title?: string }
    throw new CommandError(`${url} refused: ${problem.detail ?? problem.title ?? `status ${answer.status}`}`)
  }
  return answer.status === 204 ? undefined : answer.json()
}
