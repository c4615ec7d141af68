/** One POST to a web address, over a connection that may be used again. */
import type { IncomingMessage } from 'node:http'
import type { LookupFunction } from 'node:net'

const ANSWER_BYTES_MAX = 64 * 1_024

export interface WebPost {
  readonly address: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
  /** How a name is looked up; undefined: as the system does. An address in place of a name is not looked up. */
  readonly lookup: LookupFunction | undefined
}

export interface WebAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
  /** Its beginning. */
  readonly text: string
}

/** Redirects are answers like any other. @throws Error where nothing answers */
export async function postTo({ address, headers, body, signal, lookup }: WebPost): Promise<WebAnswer> {
  // Not imported: an import of node:http loads all of fetch.
  const { request } = process.getBuiltinModule(address.protocol === 'https:' ? 'node:https' : 'node:http')
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { method: 'POST', headers, signal, ...(lookup && { lookup }) }
    const sent = request(address, options, resolve)
    sent.on('error', reject)
    sent.end(body)
  })
  const text = await readBeginning(answer)
  return { status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'], text }
}

async function readBeginning(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    parts.push(part)
    bytes += part.length
    // Leaving the loop closes the connection.
    if (bytes >= ANSWER_BYTES_MAX) break
  }
  return Buffer.concat(parts).toString()
}
