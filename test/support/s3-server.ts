/** versitygw, an S3 server of one binary over a folder, on a free port of the loopback. build-tools.sh builds it. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Requirement } from './requirement.ts'
import { findFreePorts } from './server-process.ts'
import { type StoreServer, StoreServerProcess } from './store-server.ts'

/** The same as in build-tools.sh. */
const VERSION = 'v1.8.0'
const tools = process.env.VARVE_TOOLS ?? join(import.meta.dirname, '../../.cache/tools')
const binary = join(tools, `versitygw-${VERSION}`)

export const s3Server: Requirement = {
  missing: existsSync(binary)
    ? undefined
    : `no ${binary}: test/support/build-tools.sh builds it (needs Go, takes about four minutes)`,
}

export interface S3Server extends StoreServer {
  /** A folder for each bucket, a file for each object. */
  readonly folder: string
}

/** Started and ready; its objects outlive `kill`. */
export async function startS3Server(): Promise<S3Server> {
  const [port] = (await findFreePorts(1)) as [number]
  const data = await mkdtemp(join(tmpdir(), 's3-server-'))
  const folder = join(data, 'objects')
  await mkdir(folder)
  const credentials = { accessKeyId: 'testtest', secretAccessKey: 'testtest' }
  const access = ['--access', credentials.accessKeyId, '--secret', credentials.secretAccessKey]
  const server = new StoreServerProcess({
    port,
    command: binary,
    args: [...access, '--port', `127.0.0.1:${port}`, '--quiet', 'posix', folder],
    cwd: data,
    credentials,
    removeData: () => rm(data, { recursive: true, force: true }),
  })
  await server.start()
  return Object.assign(server, { folder })
}
