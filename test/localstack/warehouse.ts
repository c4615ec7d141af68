/** Where the function of the orders example brings its orders; refuses some, and counts no order twice. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export class Warehouse {
  /** What was ordered, by the order's id. */
  readonly orders = new Map<string, string>()
  readonly #server: Server
  #refusals = 0

  private constructor() {
    this.#server = createServer(async (request, response) => {
      let text = ''
      for await (const part of request.setEncoding('utf8')) text += part
      if (this.#refusals-- > 0) {
        response.writeHead(503).end()
        return
      }
      const { id, value } = JSON.parse(text)
      this.orders.set(id, value)
      response.writeHead(200).end()
    })
  }

  static async listen(): Promise<Warehouse> {
    const warehouse = new Warehouse()
    warehouse.#server.listen(0, '127.0.0.1')
    await once(warehouse.#server, 'listening')
    return warehouse
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  refuse(times: number): void {
    this.#refusals = times
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
