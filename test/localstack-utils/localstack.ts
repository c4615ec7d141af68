/**
 * A LocalStack of one's own, ready to be used. Where a Docker engine answers it is the vendor's container; elsewhere LocalStack
 * runs as a process, Lambda functions and DynamoDB Local as processes under it. Every process started here is ended by
 * `stop`, and ends by itself if the process that started it is gone.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installLocalStack } from './install.ts'

/** The last release of the image that asks for no account. */
const IMAGE = 'localstack/localstack:4.14.0'
const READY_MS_MAX = 120_000
const STOP_MS_MAX = 30_000
const OUTPUT_LINES_MAX = 500

export interface LocalStackOptions {
  /** Node for the functions; the one that runs this unless told. */
  readonly node?: string
  /** Asked to end, it has so long; then it is ended. Default 30,000 ms. */
  readonly stopMsMax?: number
  /** LocalStack's log level. Default `warning`. */
  readonly logLevel?: 'debug' | 'info' | 'warning' | 'error'
}

export interface LocalStack {
  /** `http://127.0.0.1:PORT`: an IP address makes the SDK address buckets by path. */
  readonly endpoint: string
  /** What makes the AWS SDK and the CDK talk to it. */
  readonly env: Readonly<Record<string, string>>
  /** The last lines that it wrote. */
  readonly output: string
  /** Of its process; undefined where it is a container. */
  readonly pid: number | undefined
  stop(): Promise<void>
}

export async function startLocalStack(options: LocalStackOptions = {}): Promise<LocalStack> {
  return hasDocker() ? startContainer(options) : startProcess(options)
}

function hasDocker(): boolean {
  return spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { stdio: 'ignore' }).status === 0
}

async function startContainer({ logLevel = 'warning' }: LocalStackOptions): Promise<LocalStack> {
  const [port] = (await findFreePorts(1)) as [number]
  const name = `localstack-${process.pid}-${port}`
  const settings = { LS_LOG: logLevel, SQS_ENDPOINT_STRATEGY: 'path', ...quickPolling }
  const variables = Object.entries(settings).flatMap(([key, value]) => ['-e', `${key}=${value}`])
  const socket = ['-v', '/var/run/docker.sock:/var/run/docker.sock']
  const child = spawn('docker', ['run', '--rm', '--name', name, '-p', `${port}:4566`, ...socket, ...variables, IMAGE], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return untilReady(child, port, undefined, async () => {
    spawnSync('docker', ['stop', name], { stdio: 'ignore' })
  })
}

async function startProcess(options: LocalStackOptions): Promise<LocalStack> {
  const { node = process.execPath, logLevel = 'warning', stopMsMax = STOP_MS_MAX } = options
  const { python, runtimeClient, dynamoDb } = await installLocalStack()
  const [port, dynamoDbPort] = (await findFreePorts(2)) as [number, number]
  const folder = await mkdtemp(join(tmpdir(), 'localstack-'))
  const child = spawn(python, ['-m', 'localstack.runtime.main'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      OVERRIDE_IN_DOCKER: '0',
      FILESYSTEM_ROOT: folder,
      GATEWAY_LISTEN: `127.0.0.1:${port}`,
      LOCALSTACK_HOST: `localhost:${port}`,
      LOCALSTACK_HOST_PARENT: String(process.pid),
      SQS_ENDPOINT_STRATEGY: 'path',
      DISABLE_EVENTS: '1',
      SKIP_SSL_CERT_DOWNLOAD: '1',
      DNS_ADDRESS: '0',
      LS_LOG: logLevel,
      LAMBDA_RUNTIME_EXECUTOR: 'host',
      LAMBDA_HOST_NODE: node,
      LAMBDA_HOST_RIC: runtimeClient,
      PROVIDER_OVERRIDE_DYNAMODB: 'v2',
      PROVIDER_OVERRIDE_DYNAMODBSTREAMS: 'v2',
      DYNAMODB_IN_MEMORY: '1',
      DYNAMODB_SHARE_DB: '1',
      DYNAMODB_HEAP_SIZE: '1g',
      DYNAMODB_LOCAL_HOME: dynamoDb,
      DYNAMODB_LOCAL_PORT: String(dynamoDbPort),
      ...quickPolling,
    },
  })
  return untilReady(child, port, child.pid, async () => {
    await endTree(child, stopMsMax)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })
}

/** An idle event source is else asked every ten seconds only. */
const quickPolling = {
  LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC: '0.2',
  LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC: '0.5',
}

async function untilReady(
  child: ChildProcess,
  port: number,
  pid: number | undefined,
  stop: () => Promise<void>,
): Promise<LocalStack> {
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      lines.push(...text.split('\n').filter(line => line !== ''))
      lines.splice(0, lines.length - OUTPUT_LINES_MAX)
    })
  }
  const endpoint = `http://127.0.0.1:${port}`
  const deadline = Date.now() + READY_MS_MAX
  while (!(await isHealthy(endpoint))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`LocalStack did not become ready:\n${lines.join('\n')}`)
    }
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  return {
    endpoint,
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
    },
    get output() {
      return lines.join('\n')
    },
    pid,
    stop,
  }
}

async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    const answer = await fetch(`${endpoint}/_localstack/health`, { signal: AbortSignal.timeout(2_000) })
    return answer.ok
  } catch {
    return false
  }
}

/** Asks the process to end, and ends what is left of it and of what it started. */
async function endTree(child: ChildProcess, stopMsMax: number): Promise<void> {
  if (child.pid === undefined) return
  const exited = child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : once(child, 'exit')
  const below = await descendantsOf(child.pid)
  child.kill('SIGTERM')
  const patience = new AbortController()
  const timer = new Promise<void>(resolve => {
    const handle = setTimeout(resolve, stopMsMax)
    patience.signal.addEventListener('abort', () => clearTimeout(handle))
  })
  await Promise.race([exited, timer])
  patience.abort()
  for (const { pid, startedAt } of [...below, { pid: child.pid, startedAt: undefined }]) {
    const same = startedAt === undefined ? child.exitCode === null : (await processOf(pid))?.startedAt === startedAt
    if (same) signalQuietly(pid)
  }
  await exited
}

interface RunningProcess {
  readonly pid: number
  readonly parent: number
  /** Tells a process from a later one with the same id. */
  readonly startedAt: string
}

async function descendantsOf(root: number): Promise<RunningProcess[]> {
  const pids = await readdir('/proc').catch(() => [])
  const all = (await Promise.all(pids.filter(name => /^\d+$/.test(name)).map(name => processOf(Number(name))))).filter(
    one => one !== undefined,
  )
  const found: RunningProcess[] = []
  const parents = new Set([root])
  for (let grew = true; grew; ) {
    grew = false
    for (const one of all) {
      if (!parents.has(one.parent) || parents.has(one.pid)) continue
      parents.add(one.pid)
      found.push(one)
      grew = true
    }
  }
  return found
}

async function processOf(pid: number): Promise<RunningProcess | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.length > 20 ? { pid, parent: Number(fields[1]), startedAt: fields[19]! } : undefined
}

function signalQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone, which is what was wanted.
  }
}

async function findFreePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map(server => (server.address() as { port: number }).port)
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  return ports
}
