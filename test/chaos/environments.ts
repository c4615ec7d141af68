/** Where the gateways keep their data, and what can go wrong with it. */
import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Rng } from '../simulation/world/rng.ts'
import { startDynamoDbLocal } from '../support/dynamodb-local.ts'
import { startS3Server } from '../support/s3-server.ts'
import type { StoreServer } from '../support/store-server.ts'
import type { Disaster } from './disasters.ts'
import { gatewayUser, USER_ID } from './gateway.ts'
import { ChaosProxy, sleep } from './proxy.ts'
import { HttpRecorder } from './recorders.ts'

export type EnvironmentName = 'embedded' | 'cloud'

export interface Environment {
  /** How `varve start` is told. */
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly disasters: readonly Disaster[]
  /** Before its stores; none where they are files. */
  readonly proxies: readonly ChaosProxy[]
  stop(): Promise<void>
}

/** Mebibytes of the disk that is filled. */
const DISK_MIB = 64

export async function createEmbedded(): Promise<Environment> {
  const folder = await mkdtemp(join(tmpdir(), 'varve-chaos-'))
  const isMounted =
    process.getuid?.() === 0 &&
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', folder]).status === 0
  const data = join(folder, 'data')
  await mkdir(data)
  await chmod(folder, 0o755)
  if (gatewayUser !== undefined) await chown(data, USER_ID, USER_ID)
  const disasters: Disaster[] = []
  if (isMounted) disasters.push({ name: 'full disk', strike: rng => fillDisk(join(folder, 'ballast'), rng) })
  else console.log('SKIPPED full disk: only root may mount a small one')
  if (gatewayUser !== undefined) disasters.push({ name: 'read-only folder', strike: rng => forbidWrites(data, rng) })
  else console.log('SKIPPED read-only folder: needs root, to run gateways as somebody else')
  return {
    args: ['--data', data],
    env: {},
    disasters,
    proxies: [],
    stop: async () => {
      if (isMounted) spawnSync('umount', [folder])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function fillDisk(ballast: string, rng: Rng): Promise<void> {
  const file = await open(ballast, 'w')
  const piece = Buffer.alloc(64 * 1_024)
  try {
    for (;;) await file.write(piece)
  } catch {
    // It is full.
  }
  await file.close()
  await sleep(rng.spread(100, 5_000))
  await rm(ballast)
}

async function forbidWrites(folder: string, rng: Rng): Promise<void> {
  const folders = [folder]
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isDirectory()) folders.push(join(entry.parentPath, entry.name))
  const setMode = (mode: number) => Promise.all(folders.map(one => chmod(one, mode).catch(() => {})))
  await setMode(0o555)
  await sleep(rng.spread(100, 5_000))
  await setMode(0o755)
}

export async function createCloud(rng: Rng, replayChance: number): Promise<Environment> {
  const [s3, dynamoDb] = await Promise.all([startS3Server(), startDynamoDbLocal()])
  const createRecorder = () => new HttpRecorder()
  const proxyOf = ({ endpoint }: StoreServer) =>
    ChaosProxy.listen({ targetPort: Number(new URL(endpoint).port), rng, replayChance, createRecorder })
  const [beforeS3, beforeDynamoDb] = await Promise.all([proxyOf(s3), proxyOf(dynamoDb)])
  const place = (proxy: ChaosProxy) =>
    `region=us-east-1&endpoint=${encodeURIComponent(`http://127.0.0.1:${proxy.port}`)}`
  const { accessKeyId, secretAccessKey } = s3.credentials
  const proxies = [beforeS3, beforeDynamoDb]
  return {
    args: [
      ...['--objects', `s3://varve/data?${place(beforeS3)}`, '--items', `dynamodb://varve?${place(beforeDynamoDb)}`],
      ...['--flush-budget', '10000'],
    ],
    env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    disasters: [s3, dynamoDb].map(store => ({ name: 'frozen store', strike: one => freezeStore(store, one) })),
    proxies,
    stop: async () => {
      await Promise.all(proxies.map(proxy => proxy.close()))
      await Promise.all([s3.stop(), dynamoDb.stop()])
    },
  }
}

async function freezeStore(store: StoreServer, rng: Rng): Promise<void> {
  store.signal('SIGSTOP')
  await sleep(rng.spread(100, 8_000))
  store.signal('SIGCONT')
}
