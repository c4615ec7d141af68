/** Tell whole requests apart in the bytes of a connection, so that one can be sent again. */
export interface RequestRecorder {
  /** The requests that `bytes` completes, of those worth sending twice. */
  record(bytes: Buffer): Buffer[]
}

/** HTTP/1.1 with Content-Length; a connection that speaks otherwise is given up. */
export class HttpRecorder implements RequestRecorder {
  #bytes = Buffer.alloc(0)
  #isLost = false

  record(bytes: Buffer): Buffer[] {
    if (this.#isLost) return []
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    const requests: Buffer[] = []
    for (;;) {
      const length = this.#length()
      if (length === undefined || this.#bytes.length < length) return requests
      requests.push(this.#bytes.subarray(0, length))
      this.#bytes = this.#bytes.subarray(length)
    }
  }

  #length(): number | undefined {
    const end = this.#bytes.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const head = this.#bytes.toString('latin1', 0, end)
    if (/\r\ntransfer-encoding:/i.test(head)) {
      this.#isLost = true
      return undefined
    }
    return end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  }
}

const PRODUCE = 0

/** Kafka's Produce requests: of all that clients send, what idempotence must bear twice. */
export class ProduceRecorder implements RequestRecorder {
  #bytes = Buffer.alloc(0)

  record(bytes: Buffer): Buffer[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    const requests: Buffer[] = []
    while (this.#bytes.length >= 6 && this.#bytes.length >= 4 + this.#bytes.readInt32BE(0)) {
      const length = 4 + this.#bytes.readInt32BE(0)
      if (this.#bytes.readInt16BE(4) === PRODUCE) requests.push(this.#bytes.subarray(0, length))
      this.#bytes = this.#bytes.subarray(length)
    }
    return requests
  }
}
