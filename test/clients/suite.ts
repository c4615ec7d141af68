/**
 * Runs the clients' programs: each against a server of its own, a few at a time; then all of them against one server, where each
 * reads what every other has written.
 */
import type { TestServer } from '../support/server-process.ts'
import { CLIENTS, type Client } from './clients.ts'
import { type CaseResult, listCases, type Program, type ProgramServer, runProgram } from './program.ts'
import { openStores, type Stores, type StoresName, storesMissing } from './stores.ts'
import { ToolchainMissing } from './toolchains.ts'

export interface SuiteOptions {
  readonly stores: StoresName
  /** Clients to run; all where empty. */
  readonly clients: readonly string[]
  /** Cases to run; all that a client has where empty. */
  readonly cases: readonly string[]
  /** How many clients run at once. */
  readonly parallel: number
}

export interface ClientResult {
  readonly client: string
  /** What the machine lacks for this client; then there are no cases. */
  readonly skipped: string | undefined
  readonly cases: readonly CaseResult[]
}

interface Ready {
  readonly client: Client
  readonly program: Program
  readonly cases: readonly string[]
  readonly results: CaseResult[]
}

const WRITE = 'interop-write'
const READ = 'interop-read'

export async function runSuite(
  options: SuiteOptions,
  report: (client: string, result: CaseResult) => void,
): Promise<ClientResult[]> {
  const missing = storesMissing(options.stores)
  const wanted = CLIENTS.filter(client => options.clients.length === 0 || options.clients.includes(client.name))
  if (missing !== undefined) return wanted.map(client => ({ client: client.name, skipped: missing, cases: [] }))
  const prepared = []
  for (const client of wanted) prepared.push(await prepare(client, options))
  const ready = prepared.filter(one => 'program' in one)
  const stores = await openStores(options.stores)
  try {
    await runAlone(ready, stores, options.parallel, report)
    await runTogether(ready, stores, report)
  } finally {
    await stores.stop()
  }
  return prepared.map(one =>
    'program' in one
      ? { client: one.client.name, skipped: undefined, cases: one.results }
      : { client: one.client, skipped: one.skipped, cases: [] },
  )
}

async function prepare(client: Client, options: SuiteOptions): Promise<Ready | { client: string; skipped: string }> {
  try {
    const program = await client.prepare()
    const cases = await listCases(program)
    const wanted = cases.filter(name => options.cases.length === 0 || options.cases.includes(name))
    return { client, program, cases: wanted, results: [] }
  } catch (error) {
    if (error instanceof ToolchainMissing) return { client: client.name, skipped: error.message }
    throw error
  }
}

/** A client that kills its server disturbs no other. */
async function runAlone(
  ready: readonly Ready[],
  stores: Stores,
  parallel: number,
  report: (client: string, result: CaseResult) => void,
): Promise<void> {
  const queue = [...ready]
  const work = async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      const cases = one.cases.filter(name => name !== WRITE && name !== READ)
      if (cases.length > 0) await withServer(stores, server => runCases(one, cases, server, report))
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
}

async function runTogether(
  ready: readonly Ready[],
  stores: Stores,
  report: (client: string, result: CaseResult) => void,
): Promise<void> {
  const writers = ready.filter(one => one.cases.includes(WRITE))
  const readers = ready.filter(one => one.cases.includes(READ))
  if (writers.length === 0) return
  await withServer(stores, async server => {
    for (const one of writers) await runCases(one, [`${WRITE}:${one.client.name}`], server, report)
    const names = writers.map(one => one.client.name)
    for (const one of readers)
      await runCases(
        one,
        names.map(name => `${READ}:${name}`),
        server,
        report,
      )
  })
}

async function runCases(
  one: Ready,
  cases: readonly string[],
  server: ProgramServer,
  report: (client: string, result: CaseResult) => void,
): Promise<void> {
  await runProgram(one.program, cases, server, result => {
    // Who wrote is the client itself.
    const named = result.name.startsWith(WRITE) ? { ...result, name: WRITE } : result
    one.results.push(named)
    report(one.client.name, named)
  })
}

async function withServer(stores: Stores, use: (server: ProgramServer) => Promise<void>): Promise<void> {
  const server: TestServer = await stores.createServer()
  await server.start()
  try {
    await use({
      bootstrap: server.bootstrap,
      restart: async () => {
        await server.kill()
        await server.start()
      },
    })
  } finally {
    await server.stop()
  }
}
