/** Stands before a catalog server and does to commits what networks and balancers do. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export type Fault =
  | 'none'
  /** Done, and the connection breaks before the answer. */
  | 'lost'
  /** Answered with 503, and not done. */
  | 'refused'
  /** Done, and answered with 500. */
  | 'done and 500'
  /** Sent on twice, and answered as the second one was. */
  | 'twice'
  /** Answered with 504, and done when the next commit comes. */
  | 'late'

export interface FaultyCatalog {
  readonly endpoint: string
  /** Of the next commits, one each. */
  readonly faults: Fault[]
  /** Commits that came. */
  commits(): number
  close(): Promise<void>
}

export async function faultyCatalog(catalog: string): Promise<FaultyCatalog> {
  const faults: Fault[] = []
  let late: (() => Promise<unknown>)[] = []
  let commits = 0
  const pass = async (request: IncomingMessage, body: string) => {
    const answer = await fetch(`${catalog}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      ...(body === '' ? {} : { body }),
    })
    return { status: answer.status, body: await answer.text() }
  }
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request)
    const isCommit = request.method === 'POST' && /\/tables\/[^/]+$/.test(request.url ?? '')
    const fault = (isCommit && faults.shift()) || 'none'
    if (isCommit) {
      commits++
      for (const one of late.splice(0)) await one()
    }
    if (fault === 'refused' || fault === 'late') {
      if (fault === 'late') late = [() => pass(request, body)]
      response.writeHead(fault === 'late' ? 504 : 503).end()
      return
    }
    const first = await pass(request, body)
    if (fault === 'lost') request.socket.destroy()
    else if (fault === 'done and 500') response.writeHead(500).end('{"error":{"message":"who knows"}}')
    else {
      const told = fault === 'twice' ? await pass(request, body) : first
      response.writeHead(told.status, { 'content-type': 'application/json' }).end(told.body)
    }
  }
  const server: Server = createServer((request, response) => {
    answer(request, response).catch(() => request.socket.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    faults,
    commits: () => commits,
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
