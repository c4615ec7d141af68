import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { silentLogger, systemClock } from '../../lib/base/index.ts'
import { type Answer, Gateway, type GatewayLimits } from '../../lib/gateway/index.ts'
import { WireClient } from '../support/wire-client.ts'

/** Frames here are text: the gateway does not know what they mean. */
function framed(text: string | Buffer): Buffer {
  const body = Buffer.from(text)
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

const textOf = (frame: Uint8Array) => Buffer.from(frame).toString()

const gateways: Gateway[] = []
const clients: WireClient[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) client.end()
  for (const gateway of gateways.splice(0)) await gateway.close()
})

async function serve(answer: Answer, limits: Partial<GatewayLimits> = {}, logged: string[] = []): Promise<Gateway> {
  const note = (event: string, fields = {}) => {
    logged.push(`${event} ${JSON.stringify(fields)}`)
  }
  const logger = { ...silentLogger, warn: note, error: note }
  const gateway = await Gateway.listen({ host: '127.0.0.1', port: 0, clock: systemClock, logger, limits })
  gateway.serve(answer)
  gateways.push(gateway)
  return gateway
}

async function connect(gateway: Gateway): Promise<WireClient> {
  const client = await WireClient.connect(gateway.port)
  clients.push(client)
  return client
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}

describe('requests of a connection', () => {
  test('are answered in order, whichever is ready first', async () => {
    const gates = new Map<string, PromiseWithResolvers<void>>()
    const gateway = await serve(async (frame, { letNextBegin }) => {
      const gate = Promise.withResolvers<void>()
      gates.set(textOf(frame), gate)
      letNextBegin()
      await gate.promise
      return [framed(`answer to ${textOf(frame)}`)]
    })
    const client = await connect(gateway)
    client.write(Buffer.concat([framed('1'), framed('2'), framed('3')]))
    await until(() => gates.size === 3)
    for (const name of ['3', '2', '1']) gates.get(name)!.resolve()
    for (const name of ['1', '2', '3']) expect(textOf(await client.receiveFrame())).toBe(`answer to ${name}`)
  })

  test('begin one after the other unless the handler lets the next begin', async () => {
    const begun: string[] = []
    const first = Promise.withResolvers<void>()
    const gateway = await serve(async frame => {
      begun.push(textOf(frame))
      if (begun.length === 1) await first.promise
      return [framed(frame as Buffer)]
    })
    const client = await connect(gateway)
    const other = await connect(gateway)
    client.write(Buffer.concat([framed('1'), framed('2')]))
    await until(() => begun.length === 1)
    other.write(framed('other'))
    await other.receiveFrame()
    expect(begun).toEqual(['1', 'other'])
    first.resolve()
    await client.receiveFrame()
    await client.receiveFrame()
    expect(begun).toEqual(['1', 'other', '2'])
  })

  test('no more than the limit are in flight', async () => {
    let inFlight = 0
    let most = 0
    const gateway = await serve(
      async (frame, { letNextBegin }) => {
        most = Math.max(most, ++inFlight)
        letNextBegin()
        await turn()
        inFlight--
        return [framed(frame as Buffer)]
      },
      { inFlightMax: 3 },
    )
    const client = await connect(gateway)
    client.write(Buffer.concat(Array.from({ length: 50 }, (_, i) => framed(String(i)))))
    for (let i = 0; i < 50; i++) expect(textOf(await client.receiveFrame())).toBe(String(i))
    expect(most).toBe(3)
  })

  test('are told to be sent when the client has taken the whole answer', async () => {
    const answerBytes = 64 * 1_024 * 1_024
    const sent: string[] = []
    const gateway = await serve(async (frame, { whenSent }) => {
      whenSent(() => sent.push(textOf(frame)))
      return [framed(textOf(frame) === 'long' ? Buffer.alloc(answerBytes) : (frame as Buffer))]
    })
    const [slow, quick] = [await connect(gateway), await connect(gateway)]
    slow.socket.pause()
    slow.write(framed('long'))
    quick.write(framed('short'))
    await quick.receiveFrame()
    await until(() => sent.length > 0)
    expect(sent).toEqual(['short'])
    slow.socket.resume()
    expect(await slow.receiveFrame()).toHaveLength(answerBytes)
    await until(() => sent.length > 1)
    expect(sent).toEqual(['short', 'long'])
  })

  test('whose connection breaks are never told to be sent', async () => {
    const sent: string[] = []
    const ended = Promise.withResolvers<void>()
    const gateway = await serve(async (_frame, { whenSent, signal }) => {
      whenSent(() => sent.push('sent'))
      signal.addEventListener('abort', () => ended.resolve())
      return [framed(Buffer.alloc(64 * 1_024 * 1_024))]
    })
    const client = await connect(gateway)
    client.socket.pause()
    client.write(framed('long'))
    await until(() => gateway.connections === 1)
    client.end()
    await ended.promise
    await gateway.close()
    expect(sent).toEqual([])
  })

  test('that have no answer do not hold up the ones after', async () => {
    const gateway = await serve(async frame => (textOf(frame) === 'silent' ? undefined : [framed(frame as Buffer)]))
    const client = await connect(gateway)
    client.write(Buffer.concat([framed('silent'), framed('loud')]))
    expect(textOf(await client.receiveFrame())).toBe('loud')
  })

  test('are all answered when the client closes its sending side after them', async () => {
    const gateway = await serve(async frame => {
      await turn()
      return [framed(frame as Buffer)]
    })
    const client = await connect(gateway)
    client.socket.end(Buffer.concat([framed('1'), framed('2')]))
    expect(textOf(await client.receiveFrame())).toBe('1')
    expect(textOf(await client.receiveFrame())).toBe('2')
    await client.closed()
  })

  test('large answers arrive whole and in order', async () => {
    const large = Buffer.alloc(5_000_000, 'abcdefg')
    const gateway = await serve(async () => [framed(large)])
    const client = await connect(gateway)
    client.write(Buffer.concat([framed('1'), framed('2')]))
    expect((await client.receiveFrame()).equals(large)).toBe(true)
    expect((await client.receiveFrame()).equals(large)).toBe(true)
    await until(() => gateway.memoryBytes === 0)
  })
})

describe('trouble on one connection', () => {
  test('an oversized frame closes it with a log line, and no other', async () => {
    const logged: string[] = []
    const gateway = await serve(async frame => [framed(frame as Buffer)], { frameBytesMax: 1_000 }, logged)
    const [client, other] = [await connect(gateway), await connect(gateway)]
    client.write(Buffer.from([0, 0, 0x10, 0]))
    await client.closed()
    expect(logged).toEqual([expect.stringContaining('BROKEN_FRAME')])
    other.write(framed('still there'))
    expect(textOf(await other.receiveFrame())).toBe('still there')
  })

  test('an answer that throws closes it with a log line, and no other', async () => {
    const logged: string[] = []
    const answer: Answer = async frame => {
      if (textOf(frame) === 'bad') throw new Error('no sense')
      return [framed(frame as Buffer)]
    }
    const gateway = await serve(answer, {}, logged)
    const [client, other] = [await connect(gateway), await connect(gateway)]
    client.write(framed('bad'))
    await client.closed()
    expect(logged).toEqual([expect.stringContaining('no sense')])
    other.write(framed('fine'))
    expect(textOf(await other.receiveFrame())).toBe('fine')
  })

  test('its end aborts what waits for it', async () => {
    const aborted = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const gateway = await serve(async (_frame, { signal, letNextBegin }) => {
      signal.addEventListener('abort', () => aborted.resolve())
      letNextBegin()
      begun.resolve()
      await aborted.promise
      return []
    })
    const client = await connect(gateway)
    client.write(framed('wait'))
    await begun.promise
    client.end()
    await aborted.promise
    await until(() => gateway.connections === 0)
    expect(gateway.memoryBytes).toBe(0)
  })

  test('a connection too many is refused', async () => {
    const gateway = await serve(async frame => [framed(frame as Buffer)], { connectionsMax: 1 })
    const first = await connect(gateway)
    first.write(framed('1'))
    await first.receiveFrame()
    const second = await connect(gateway)
    await second.closed()
    first.write(framed('2'))
    expect(textOf(await first.receiveFrame())).toBe('2')
  })
})

describe('memory', () => {
  const MiB = 1024 * 1024

  test('stays bounded with 500 connections that ask and do not read', async () => {
    const answer = Buffer.alloc(MiB, 7)
    let reserved = 0
    const limits = { memoryBytes: 16 * MiB }
    const gateway = await serve(async (_frame, { memory }) => {
      const bytes = memory.reserve(MiB)
      reserved += bytes
      return [framed(answer.subarray(0, bytes))]
    }, limits)
    const silent = await Promise.all(Array.from({ length: 500 }, () => connect(gateway)))
    for (const client of silent) {
      client.socket.pause()
      for (let i = 0; i < 20; i++) client.write(framed('more'))
    }
    let most = 0
    for (let turns = 0; turns < 500 || reserved < limits.memoryBytes; turns++) {
      await turn()
      most = Math.max(most, gateway.memoryBytes)
    }
    const reader = await connect(gateway)
    reader.write(framed('one'))
    await reader.receiveFrame()
    // Each connection may hold its unread requests beside the budget.
    expect(most).toBeLessThan(limits.memoryBytes + 500 * 20 * 8)
  })

  test('stays bounded with connections that send large frames at once, and each frame arrives', async () => {
    const frame = framed(Buffer.alloc(4 * MiB, 1))
    const held = new Set<number>()
    const gateway = await serve(
      async (received, { connectionId }) => {
        held.add(connectionId)
        await turn()
        return [framed(String(received.length))]
      },
      { memoryBytes: 8 * MiB },
    )
    let most = 0
    const senders = await Promise.all(Array.from({ length: 20 }, () => connect(gateway)))
    const answers = senders.map(async client => {
      client.write(frame)
      const answer = textOf(await client.receiveFrame())
      most = Math.max(most, gateway.memoryBytes)
      return answer
    })
    const watching = Promise.all(answers).then(() => true)
    for (let done = false; !done; done = await Promise.race([watching, turn(false)])) {
      most = Math.max(most, gateway.memoryBytes)
    }
    expect(await Promise.all(answers)).toEqual(senders.map(() => String(4 * MiB)))
    expect(held.size).toBe(20)
    // The budget, the one frame that may always go on, and for each connection a chunk and a small frame.
    expect(most).toBeLessThanOrEqual(8 * MiB + 4 * MiB + 20 * 128 * 1024)
    await until(() => gateway.memoryBytes === 0)
  })

  test('an announced size takes no memory before its bytes come', async () => {
    const gateway = await serve(async frame => [framed(frame as Buffer)])
    const client = await connect(gateway)
    const announced = Buffer.alloc(1_004)
    announced.writeInt32BE(100 * MiB)
    client.write(announced)
    await until(() => gateway.memoryBytes === 1_004)
  })

  test('used up by a client that stalls, it comes back when that client is closed', async () => {
    const clock = { now: 0, sleepers: [] as { at: number; wake: () => void }[] }
    const virtual = {
      now: () => clock.now,
      monotonic: () => clock.now,
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>(resolve => {
          clock.sleepers.push({ at: clock.now + ms, wake: resolve })
          signal?.addEventListener('abort', () => resolve())
        }),
    }
    const logged: string[] = []
    const logger = {
      ...silentLogger,
      warn: (event: string, fields = {}) => void logged.push(event + JSON.stringify(fields)),
    }
    const limits = { memoryBytes: MiB, smallFrameBytes: 1_024, stalledMs: 10_000, sweepMs: 1_000 }
    const gateway = await Gateway.listen({ host: '127.0.0.1', port: 0, clock: virtual, logger, limits })
    gateways.push(gateway)
    gateway.serve(async frame => [framed(String(frame.length))])
    const stalled = await connect(gateway)
    const half = framed(Buffer.alloc(4 * MiB)).subarray(0, 2 * MiB)
    stalled.write(half)
    await until(() => gateway.memoryBytes === 2 * MiB)
    const honest = await connect(gateway)
    honest.write(framed(Buffer.alloc(512 * 1024)))
    const small = await connect(gateway)
    small.write(framed('small'))
    expect(textOf(await small.receiveFrame())).toBe('5')
    while (!stalled.isClosed) {
      clock.now += 1_000
      for (const sleeper of clock.sleepers.splice(0)) {
        if (sleeper.at <= clock.now) sleeper.wake()
        else clock.sleepers.push(sleeper)
      }
      await turn()
    }
    expect(textOf(await honest.receiveFrame())).toBe(String(512 * 1024))
    expect(logged).toEqual([expect.stringContaining('stalled')])
  })
})

describe('closing', () => {
  test('lets requests in flight finish, and begins no more', async () => {
    const begun: string[] = []
    const gate = Promise.withResolvers<void>()
    const gateway = await serve(async frame => {
      begun.push(textOf(frame))
      await gate.promise
      return [framed(frame as Buffer)]
    })
    const client = await connect(gateway)
    client.write(Buffer.concat([framed('1'), framed('2')]))
    await until(() => begun.length === 1)
    const closed = gateway.close()
    gate.resolve()
    expect(textOf(await client.receiveFrame())).toBe('1')
    await closed
    await client.closed()
    expect(begun).toEqual(['1'])
  })

  test('does not wait for idle connections', async () => {
    const gateway = await serve(async frame => [framed(frame as Buffer)])
    const client = await connect(gateway)
    client.write(framed('1'))
    await client.receiveFrame()
    await gateway.close()
    await client.closed()
  })

  test('connections that came before it serves are served', async () => {
    const gateway = await Gateway.listen({ host: '127.0.0.1', port: 0, clock: systemClock, logger: silentLogger })
    gateways.push(gateway)
    const client = await connect(gateway)
    client.write(framed('early'))
    gateway.serve(async frame => [framed(frame as Buffer)])
    expect(textOf(await client.receiveFrame())).toBe('early')
  })
})
