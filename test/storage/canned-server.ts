/** An HTTP server that gives the answers it is told to, for those that no emulator gives: throttles, conflicts, silence. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export type CannedAnswer =
  | { readonly status: number; readonly body: string; readonly headers?: Record<string, string> }
  /** Takes the request and closes the connection. */
  | 'cut'
  /** Takes the request and says nothing. */
  | 'silence'

export interface CannedServer extends AsyncDisposable {
  readonly endpoint: string
  /** Each request so far: its headers and body. */
  readonly requests: readonly { readonly headers: IncomingMessage['headers']; readonly body: string }[]
}

/** One answer after the other; the last one again and again. */
export async function startCannedServer(answers: readonly CannedAnswer[]): Promise<CannedServer> {
  const requests: { headers: IncomingMessage['headers']; body: string }[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const answer = answers[Math.min(requests.length, answers.length - 1)]!
    requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
    if (answer === 'cut') request.socket.destroy()
    else if (answer !== 'silence') response.writeHead(answer.status, answer.headers).end(answer.body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}
