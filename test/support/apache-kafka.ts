import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Admin } from '@platformatic/kafka'
import { findFreePorts, type Memory, ServerLives, ServerProcess, type TestServer } from './server-process.ts'

/**
 * A real Apache Kafka broker (single node, KRaft) on free ports of the loopback, to compare with. Its jars come from
 * Maven Central with `mvn` into .cache/apache-kafka once; needs Java 17.
 */
const project = join(import.meta.dirname, 'apache-kafka')
const cache = join(import.meta.dirname, '../../.cache/apache-kafka')
const jars = join(cache, 'jars-4.4.0')
const run = promisify(execFile)

/** Why a real Kafka cannot be had here, or undefined where it can. */
export async function apacheKafkaMissing(): Promise<string | undefined> {
  try {
    await run('java', ['-version'])
    if (!existsSync(jars)) await run('mvn', ['-version'])
    return undefined
  } catch {
    return 'Apache Kafka needs Java 17 and, the first time, Maven'
  }
}

/** The class path of the broker, its clients and its performance tools. Downloads them the first time. */
export async function apacheKafkaClassPath(): Promise<string> {
  if (!existsSync(jars)) {
    await mkdir(cache, { recursive: true })
    const partial = await mkdtemp(join(cache, 'partial-'))
    await run('mvn', ['-q', '-B', '-f', project, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}/jars`])
    await rename(join(partial, 'jars'), jars).catch(async error => {
      if ((await readdir(jars).catch(() => [])).length === 0) throw error
    })
    await rm(partial, { recursive: true })
  }
  return join(jars, '*')
}

export async function createApacheKafka(options: { heapMegabytes?: number } = {}): Promise<TestServer> {
  const classPath = await apacheKafkaClassPath()
  const folder = await mkdtemp(join(tmpdir(), 'varve-apache-kafka-'))
  const [port, controllerPort] = (await findFreePorts(2)) as [number, number]
  const properties = join(folder, 'server.properties')
  await writeFile(properties, brokerProperties({ port, controllerPort, folder }))
  await run('java', [
    '-cp',
    classPath,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    'varve-bench-cluster-00',
    '-c',
    properties,
  ])
  return new ApacheKafka({ classPath, folder, properties, port, heapMegabytes: options.heapMegabytes ?? 1024 })
}

interface ApacheKafkaOptions {
  readonly classPath: string
  readonly folder: string
  readonly properties: string
  readonly port: number
  readonly heapMegabytes: number
}

class ApacheKafka implements TestServer {
  readonly bootstrap: string
  readonly #folder: string
  readonly #lives: ServerLives

  constructor({ classPath, folder, properties, port, heapMegabytes }: ApacheKafkaOptions) {
    this.bootstrap = `127.0.0.1:${port}`
    this.#folder = folder
    // The collector of Kafka's own start script.
    const jvm = ['-server', `-Xmx${heapMegabytes}m`, `-Xms${heapMegabytes}m`, '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20']
    this.#lives = new ServerLives(
      () => new ServerProcess('java', [...jvm, '-cp', classPath, 'kafka.Kafka', properties]),
    )
  }

  get output(): string {
    return this.#lives.output
  }

  async start(): Promise<number> {
    const began = performance.now()
    await this.#serving(this.#lives.start())
    return performance.now() - began
  }

  kill(): Promise<void> {
    return this.#lives.end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#lives.end('SIGTERM')
    await rm(this.#folder, { recursive: true, force: true })
  }

  memory(): Promise<Memory> {
    return this.#lives.memory()
  }

  forgetPeak(): Promise<void> {
    return this.#lives.forgetPeak()
  }

  /** The broker says nothing when it is ready, so ask until it answers with itself. */
  async #serving(process: ServerProcess): Promise<void> {
    while (process.running) {
      const admin = new Admin({
        clientId: 'ready',
        bootstrapBrokers: [this.bootstrap],
        retries: 0,
        connectTimeout: 500,
      })
      try {
        if ((await admin.metadata({ topics: [], forceUpdate: true })).brokers.size > 0) return
      } catch {
        await new Promise(resolve => setTimeout(resolve, 100))
      } finally {
        await admin.close()
      }
    }
    throw new Error(`Apache Kafka ended before it was ready:\n${process.output}`)
  }
}

function brokerProperties(options: { port: number; controllerPort: number; folder: string }): string {
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${options.controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${options.port},CONTROLLER://127.0.0.1:${options.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${options.port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(options.folder, 'data'),
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    // Else a broker that was killed waits 9 s for its own earlier life to be forgotten.
    'broker.session.timeout.ms': 1_000,
    'broker.heartbeat.interval.ms': 250,
    'num.partitions': 1,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
