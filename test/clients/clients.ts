/** Other people's clients: which there are, and how the program of each is made ready. */
import { join } from 'node:path'
import type { Program } from './program.ts'
import {
  compiledJava,
  goProgram,
  goTests,
  javaClassPath,
  mavenClassPath,
  needCommand,
  pythonWith,
} from './toolchains.ts'

export interface Client {
  readonly name: string
  /** Resolves with its program; rejects with ToolchainMissing where the machine cannot have it. */
  prepare(): Promise<Program>
}

const here = import.meta.dirname

export const CLIENTS: readonly Client[] = [
  { name: 'kafkajs', prepare: async () => nodeProgram('javascript/kafkajs.ts') },
  { name: 'platformatic', prepare: async () => nodeProgram('javascript/platformatic.ts') },
  {
    name: 'kcat',
    prepare: async () => {
      await needCommand('kcat', ['-V'], 'install Debian’s package kcat')
      return nodeProgram('kcat/kcat.ts')
    },
  },
  { name: 'confluent-kafka', prepare: () => pythonProgram('confluent_kafka') },
  { name: 'kafka-python', prepare: () => pythonProgram('kafka_python') },
  { name: 'aiokafka', prepare: () => pythonProgram('aiokafka') },
  { name: 'franz-go', prepare: franzGo },
  { name: 'franz-go-tests', prepare: franzGoTests },
  { name: 'java', prepare: java },
  { name: 'kafka-streams', prepare: kafkaStreams },
  { name: 'console-tools', prepare: consoleTools },
  { name: 'connect', prepare: connect },
]

function nodeProgram(file: string, env: NodeJS.ProcessEnv = {}): Program {
  return { command: process.execPath, args: [join(here, file)], env }
}

async function pythonProgram(name: string): Promise<Program> {
  const folder = join(here, 'python')
  return {
    command: await pythonWith(join(folder, `${name}.requirements.txt`)),
    args: ['-u', join(folder, `${name}_cases.py`)],
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  }
}

async function franzGo(): Promise<Program> {
  const sources = ['main.go', 'harness.go', 'records.go', 'groups.go', 'admin.go']
  return { command: await goProgram(join(here, 'go/franz-go'), sources), args: [] }
}

async function franzGoTests(): Promise<Program> {
  const tests = await goTests(join(here, 'go/franz-go'), 'github.com/twmb/franz-go/pkg/kgo')
  return nodeProgram('go/franz-go-tests.ts', { FRANZ_GO_TESTS: tests })
}

async function java(): Promise<Program> {
  const sources = ['Cases', 'Harness', 'Records', 'Groups', 'ConsumerProtocol', 'Shares', 'Administration'].map(name =>
    join(here, `java/${name}.java`),
  )
  return { command: 'java', args: [...JVM, '-cp', await javaClassPath(sources), 'Cases'] }
}

async function kafkaStreams(): Promise<Program> {
  const jars = await mavenClassPath(join(here, 'java/streams/pom.xml'))
  const sources = [join(here, 'java/Harness.java'), join(here, 'java/streams/StreamsCases.java')]
  return { command: 'java', args: [...JVM, '-cp', await compiledJava(sources, jars), 'StreamsCases'] }
}

async function consoleTools(): Promise<Program> {
  return nodeProgram('java/console-tools.ts', { CLASSPATH: await mavenClassPath(join(here, 'java/pom.xml')) })
}

async function connect(): Promise<Program> {
  return nodeProgram('java/connect.ts', { CLASSPATH: await mavenClassPath(join(here, 'java/connect/pom.xml')) })
}

/** Short runs: start fast, stay small. */
const JVM = [
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dlog4j2.level=ERROR',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
]
