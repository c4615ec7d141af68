/** A web address that takes deliveries, refuses them, or keeps who delivers waiting. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Delivered {
  readonly subscription: string
  readonly records: readonly { readonly value: unknown }[]
}

export class Receiver {
  /** What it answers. */
  status = 200
  readonly #server: Server
  readonly #deliveries: Delivered[] = []
  #holding: { arrive: () => void; readonly released: Promise<void> } | undefined

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response))
  }

  static async listen(): Promise<Receiver> {
    const receiver = new Receiver()
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** Values of all deliveries of a subscription that came, in order. */
  values(subscription: string): unknown[] {
    const its = this.#deliveries.filter(delivery => delivery.subscription === subscription)
    return its.flatMap(({ records }) => records.map(({ value }) => value))
  }

  /** The next delivery gets no answer until `release`. */
  hold(): { readonly arrived: Promise<void>; release(): void } {
    const [arrived, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    this.#holding = { arrive: arrived.resolve, released: released.promise }
    return { arrived: arrived.promise, release: released.resolve }
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const part of request.setEncoding('utf8')) text += part
    this.#deliveries.push(JSON.parse(text))
    const holding = this.#holding
    this.#holding = undefined
    holding?.arrive()
    await holding?.released
    response.writeHead(this.status).end()
  }
}
