/**
 * Nobody commits to an LMDB folder while another process opens it.
 *
 * LMDB's open (mdb_env_open2) reads which transaction is the last, and a moment later writes that into the memory that all processes
 * share. A commit between the two is undone by whoever commits next, though it was acknowledged. So whoever opens asks all who
 * have the folder open, over the loopback, to finish what they are committing and wait until it has opened:
 *
 *   1. it listens, and writes a file that says where (`open/PID-TOKEN`): from now on it is asked too;
 *   2. it asks everybody who has such a file, and waits until each has no commit under way (`paused`);
 *   3. it opens LMDB, and tells those who asked it (`opened`);
 *   4. it commits once nobody who asks it is there any more, and everybody it asked has opened too: of two that open at once, one may
 *      not know of the other.
 * Who dies is forgotten: its connections break, and its file is taken away by the next. Who stands still in the middle keeps the others
 * waiting, as it would with LMDB's own lock in its hands.
 */
import { once } from 'node:events'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Clock } from '../../base/index.ts'
import { StoreError } from '../index.ts'
import { errorCode, failure } from './file-errors.ts'

const FOLDER = 'open'
const HOST = '127.0.0.1'
/** A process that is asked and does not answer for so long: the folder is not opened. */
const ANSWER_MS_MAX = 10_000
const NAME = /^(\d+)-[0-9a-f]+(\.new)?$/

/** It has ended, or is ending: it commits nothing any more. */
const NOBODY_THERE = new Set(['ECONNREFUSED', 'ECONNRESET'])

const PAUSED = 'p'
const OPENED = 'o'

interface Asked {
  readonly socket: Socket
  readonly opened: Promise<void>
}

export class OpenGate {
  readonly #clock: Clock
  readonly #folder: string
  readonly #token: string
  readonly #name: string
  readonly #server: Server
  /** Those who open, and wait for this process or have been told to go on. */
  readonly #askers = new Set<Socket>()
  /** Of these, and of those who wait for `beforePause`. */
  readonly #connections = new Set<Socket>()
  #isCommitting = false
  #isOpen = false
  #change = Promise.withResolvers<void>()
  /** Done before anybody who asks is told to go on; one that cannot be done leaves them waiting. */
  beforePause: (() => Promise<void>) | undefined

  private constructor(clock: Clock, folder: string, token: string) {
    this.#clock = clock
    this.#folder = join(folder, FOLDER)
    this.#token = token
    this.#name = `${process.pid}-${token}`
    this.#server = createServer(socket => this.#welcome(socket))
    // A store that nobody closes keeps no process alive.
    this.#server.unref()
  }

  /** Opens with `open` while nobody commits; `isAlone`: nobody else is there who can be asked. `token`: hex digits that nobody can guess. @throws StoreError STORE_UNAVAILABLE */
  static async open<T>(
    { clock, folder, token }: { readonly clock: Clock; readonly folder: string; readonly token: string },
    open: (gate: OpenGate, isAlone: boolean) => T,
  ): Promise<{ readonly gate: OpenGate; readonly opened: T }> {
    const gate = new OpenGate(clock, folder, token)
    await gate.#register()
    const asked: Asked[] = []
    try {
      await gate.#askEverybody(asked)
      const opened = open(gate, asked.length === 0)
      gate.#hasOpened()
      await gate.#within(Promise.all(asked.map(({ opened }) => opened)))
      return { gate, opened }
    } catch (error) {
      await gate.close()
      throw error
    } finally {
      for (const { socket } of asked) socket.destroy()
    }
  }

  /**
   * Opens anew, between two commits, where no other process has the folder open: it is asked for nothing then, and whoever comes
   * meanwhile asks this one, and waits. Undefined: another is there, and nothing was done.
   */
  async reopenAlone<T>(open: () => Promise<T>): Promise<T | undefined> {
    this.#isOpen = false
    try {
      if ((await this.#others()).some(name => isAlive(processOf(name)))) return undefined
      return await open()
    } finally {
      this.#hasOpened()
    }
  }

  /** Undefined: a commit may begin now; `ended` is to be called after it. Else it may be asked again then. */
  begin(): Promise<void> | undefined {
    if (this.#askers.size > 0) return this.#change.promise
    this.#isCommitting = true
    return undefined
  }

  ended(): void {
    this.#isCommitting = false
    for (const socket of this.#askers) this.#answer(socket)
  }

  /** Does `work` while nobody else commits. @throws StoreError STORE_UNAVAILABLE; what `work` throws */
  async whileOthersPause<T>(work: () => T): Promise<T> {
    const asked: Asked[] = []
    try {
      await this.#askEverybody(asked)
      return work()
    } finally {
      for (const { socket } of asked) socket.destroy()
    }
  }

  async close(): Promise<void> {
    await rm(join(this.#folder, this.#name), { force: true })
    for (const socket of this.#connections) socket.destroy()
    this.#server.close()
  }

  // ---------------------------------------------------------------- asked

  #welcome(socket: Socket): void {
    this.#connections.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#connections.delete(socket)
      this.#askers.delete(socket)
      this.#tellOfChange()
    })
    socket.once('data', data => {
      if (data.toString() !== this.#token) {
        socket.destroy()
        return
      }
      void this.#letWait(socket)
    })
  }

  async #letWait(socket: Socket): Promise<void> {
    try {
      await this.beforePause?.()
    } catch {
      return
    }
    if (socket.destroyed) return
    this.#askers.add(socket)
    if (!this.#isCommitting) this.#answer(socket)
  }

  #answer(socket: Socket): void {
    socket.write(PAUSED)
    if (this.#isOpen) socket.write(OPENED)
  }

  #hasOpened(): void {
    this.#isOpen = true
    for (const socket of this.#askers) socket.write(OPENED)
  }

  #tellOfChange(): void {
    const { resolve } = this.#change
    this.#change = Promise.withResolvers()
    resolve()
  }

  // ---------------------------------------------------------------- asking

  /** The file is there as a whole, or not at all. */
  async #register(): Promise<void> {
    this.#server.listen(0, HOST)
    await once(this.#server, 'listening')
    const address = this.#server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    await mkdir(this.#folder, { recursive: true })
    const path = join(this.#folder, this.#name)
    await writeFile(`${path}.new`, JSON.stringify({ port, token: this.#token }), { mode: 0o600 })
    await rename(`${path}.new`, path)
  }

  /** Their connections, as soon as they are made, are in `asked`: others pause until these are broken. */
  async #askEverybody(asked: Asked[]): Promise<void> {
    const others = await this.#others()
    await this.#within(Promise.all(others.map(name => this.#ask(name, asked))))
  }

  /** Files of those who have the folder open, open it, or died of it. */
  async #others(): Promise<string[]> {
    return (await readdir(this.#folder)).filter(name => NAME.test(name) && name !== this.#name)
  }

  /** Of one that is gone nothing is added, and its file is taken away. */
  async #ask(name: string, asked: Asked[]): Promise<void> {
    const path = join(this.#folder, name)
    if (!isAlive(processOf(name))) {
      await rm(path, { force: true })
      return
    }
    // One that is being written is of somebody who will ask before it opens.
    const told = name.endsWith('.new') ? undefined : await readUnlessGone(path)
    if (told === undefined) return
    const { port, token } = JSON.parse(told) as { readonly port: number; readonly token: string }
    const socket = connect({ host: HOST, port })
    const paused = Promise.withResolvers<void>()
    const opened = Promise.withResolvers<void>()
    let isConnected = false
    const gone = () => {
      paused.resolve()
      opened.resolve()
    }
    socket.on('connect', () => {
      isConnected = true
      asked.push({ socket, opened: opened.promise })
      socket.write(token)
    })
    socket.on('data', data => {
      const text = data.toString()
      if (text.includes(PAUSED)) paused.resolve()
      if (text.includes(OPENED)) opened.resolve()
    })
    socket.on('error', error => {
      if (isConnected || NOBODY_THERE.has(errorCode(error) ?? '')) gone()
      else paused.reject(failure('ask another process that has the item store open', error))
    })
    socket.on('close', gone)
    await paused.promise
    // Nobody listens there: it ended, and another has its process number.
    if (!isConnected) await rm(path, { force: true })
  }

  async #within<T>(work: Promise<T>): Promise<T> {
    const done = new AbortController()
    const late = this.#clock.sleep(ANSWER_MS_MAX, done.signal).then(() => {
      if (done.signal.aborted) return undefined as never
      const message = `another process that has ${this.#folder} open does not answer: end it, or try again`
      throw new StoreError('STORE_UNAVAILABLE', message)
    })
    try {
      return await Promise.race([work, late])
    } finally {
      done.abort()
    }
  }
}

async function readUnlessGone(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function processOf(name: string): number {
  return Number(NAME.exec(name)![1])
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user's.
    return errorCode(error) === 'EPERM'
  }
}
