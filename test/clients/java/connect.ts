/** Kafka Connect workers with the file connectors, as their shell scripts start them. The class path comes with the environment. */
import { deepStrictEqual as equal } from 'node:assert'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin, type ConfigDescription, ConfigResourceTypes } from '@platformatic/kafka'
import { findFreePorts } from '../../support/server-process.ts'
import { startCommand } from '../javascript/command.ts'
import { type Case, pause, range, runCases, uniqueName } from '../javascript/harness.ts'

/** Short runs: start fast, stay small. */
const JVM = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
/** A worker takes some ten seconds to start where the machine is busy, and leaves a rebalance open for as long. */
const DEADLINE_MS = 150_000

const cases: Readonly<Record<string, Case>> = {
  'connect-standalone': bootstrap =>
    inFolder(async folder => {
      const files = filesIn(folder)
      const topic = uniqueName('connect-standalone')
      const [port] = (await findFreePorts(1)) as [number]
      const worker = {
        ...converters,
        'bootstrap.servers': bootstrap,
        listeners: `http://127.0.0.1:${port}`,
        'offset.storage.file.filename': join(folder, 'offsets'),
        'offset.flush.interval.ms': '200',
      }
      const config = await writeProperties(folder, 'worker', worker)
      const source = await writeProperties(folder, 'source', sourceConfig(files.input, topic))
      const sink = await writeProperties(folder, 'sink', sinkConfig(files.output, topic))
      const start = () => startWorker('ConnectStandalone', [config, source, sink])
      const lines = range(0, 1_000).map(n => `line ${n}`)
      await writeFile(files.input, textOf(lines.slice(0, 500)))
      let running = start()
      try {
        await untilLines(files.output, lines.slice(0, 500), running)
        await stopWorker(running)
        // Another goes on where the first ended: its source by the offsets file, its sink by the group's offsets.
        await appendFile(files.input, textOf(lines.slice(500)))
        running = start()
        await untilLines(files.output, lines, running)
      } finally {
        await stopWorker(running)
      }
    }),

  'connect-distributed': bootstrap =>
    inFolder(async folder => {
      const files = filesIn(folder)
      const topic = uniqueName('connect-distributed')
      const group = uniqueName('connect')
      const ports = await findFreePorts(2)
      const configs = await Promise.all(
        ports.map(port =>
          writeProperties(folder, `worker-${port}`, {
            ...converters,
            'bootstrap.servers': bootstrap,
            listeners: `http://127.0.0.1:${port}`,
            'group.id': group,
            'offset.flush.interval.ms': '200',
            'session.timeout.ms': '6000',
            'heartbeat.interval.ms': '1000',
            'scheduled.rebalance.max.delay.ms': '1000',
            ...Object.fromEntries(
              ['config', 'offset', 'status'].flatMap(kind => [
                [`${kind}.storage.topic`, `${group}-${kind}`],
                [`${kind}.storage.replication.factor`, '1'],
              ]),
            ),
          }),
        ),
      )
      const lines = range(0, 1_000).map(n => `line ${n}`)
      await writeFile(files.input, textOf(lines.slice(0, 500)))
      const first = startWorker('ConnectDistributed', [configs[0]!])
      const second = startWorker('ConnectDistributed', [configs[1]!])
      try {
        await untilAnswers(`http://127.0.0.1:${ports[0]}/connectors`, first)
        await createConnector(ports[0]!, sourceConfig(files.input, topic), first)
        await createConnector(ports[0]!, sinkConfig(files.output, topic), first)
        await untilLines(files.output, lines.slice(0, 500), first)
        equal(
          await compactedTopics(bootstrap, group),
          ['config', 'offset', 'status'].map(kind => `${group}-${kind}`),
        )
        // The other worker takes over both connectors, and goes on where the dead one ended.
        await untilAnswers(`http://127.0.0.1:${ports[1]}/connectors`, second)
        first.child.kill('SIGKILL')
        await appendFile(files.input, textOf(lines.slice(500)))
        await untilContains(files.output, lines, second)
      } finally {
        await Promise.all([stopWorker(first), stopWorker(second)])
      }
    }),
}

const converters = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
}

function sourceConfig(file: string, topic: string): Record<string, string> {
  return { name: 'source', 'connector.class': 'FileStreamSource', 'tasks.max': '1', file, topic }
}

function sinkConfig(file: string, topic: string): Record<string, string> {
  return { name: 'sink', 'connector.class': 'FileStreamSink', 'tasks.max': '1', file, topics: topic }
}

interface Worker {
  readonly child: ChildProcess
  /** The last of what it wrote. */
  said(): string
}

function startWorker(main: 'ConnectStandalone' | 'ConnectDistributed', args: readonly string[]): Worker {
  const child = startCommand('java', [...JVM, `org.apache.kafka.connect.cli.${main}`, ...args])
  let said = ''
  const hear = (bytes: Buffer) => {
    said = `${said}${bytes}`.slice(-1_500)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  return { child, said: () => said }
}

async function stopWorker({ child }: Worker): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'close')
  child.kill('SIGTERM')
  await ended
}

async function createConnector(port: number, config: Record<string, string>, worker: Worker): Promise<void> {
  const { name, ...rest } = config
  const body = JSON.stringify({ name, config: rest })
  await untilTrue(`connector ${name}`, worker, async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }).catch(() => undefined)
    // 409: a rebalance is under way, or a lost answer's connector is there.
    return answer?.status === 201 || (answer?.status === 409 && (await answer.text()).includes('already exists'))
  })
}

async function compactedTopics(bootstrap: string, group: string): Promise<string[]> {
  const admin = new Admin({ clientId: 'connect-cases', bootstrapBrokers: [bootstrap] })
  try {
    const names = (await admin.listTopics()).filter(name => name.startsWith(`${group}-`)).sort()
    const resources = names.map(resourceName => ({
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName,
      configurationKeys: ['cleanup.policy'],
    }))
    const described: ConfigDescription[] = await admin.describeConfigs({ resources })
    return described.filter(({ configs }) => configs[0]?.value === 'compact').map(({ resourceName }) => resourceName)
  } finally {
    await admin.close()
  }
}

function untilAnswers(url: string, worker: Worker): Promise<void> {
  return untilTrue(url, worker, async () => (await fetch(url).catch(() => undefined))?.ok === true)
}

/** The file holds these lines, once each and in order. */
async function untilLines(file: string, lines: readonly string[], worker: Worker): Promise<void> {
  await untilTrue(`${lines.length} lines`, worker, async () => (await linesIn(file)).length >= lines.length)
  equal(await linesIn(file), lines)
}

/** The file holds all of these lines: a sink that was killed may have written some of them before. */
function untilContains(file: string, lines: readonly string[], worker: Worker): Promise<void> {
  return untilTrue(`${lines.length} different lines`, worker, async () => {
    const there = new Set(await linesIn(file))
    return lines.every(line => there.has(line))
  })
}

async function untilTrue(what: string, worker: Worker, isDone: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (!(await isDone())) {
    if (worker.child.exitCode !== null) throw new Error(`the worker ended: ${worker.said()}`)
    if (performance.now() > deadline) throw new Error(`no ${what} in time: ${worker.said()}`)
    await pause(100)
  }
}

async function linesIn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.split('\n').slice(0, -1)
}

function textOf(lines: readonly string[]): string {
  return lines.map(line => `${line}\n`).join('')
}

function filesIn(folder: string): { readonly input: string; readonly output: string } {
  return { input: join(folder, 'input.txt'), output: join(folder, 'output.txt') }
}

async function writeProperties(folder: string, name: string, properties: Record<string, string>): Promise<string> {
  const file = join(folder, `${name}.properties`)
  await writeFile(file, textOf(Object.entries(properties).map(([key, value]) => `${key}=${value}`)))
  return file
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'varve-connect-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

await runCases(cases)
