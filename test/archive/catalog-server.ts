/** Apache Iceberg's REST catalog (JdbcCatalog over SQLite) on a free port of the loopback. Its jars come from Maven Central, once. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compiledJava, mavenClassPath, ToolchainMissing } from '../clients/toolchains.ts'
import type { Requirement } from '../support/requirement.ts'
import { findFreePorts } from '../support/server-process.ts'
import { type StoreServer, StoreServerProcess } from '../support/store-server.ts'

const java = join(import.meta.dirname, 'java')
let classPath = ''

export const catalogServer: Requirement = {
  missing: await mavenClassPath(join(java, 'pom.xml'))
    .then(jars => compiledJava([join(java, 'CatalogServer.java')], jars))
    .then(
      path => {
        classPath = path
        return undefined
      },
      error => {
        if (error instanceof ToolchainMissing) return `a catalog server: ${error.message}`
        throw error
      },
    ),
}

export interface CatalogServer extends Pick<StoreServer, 'start' | 'kill' | 'stop'> {
  readonly endpoint: string
  /** Where tables are that are not in S3. */
  readonly folder: string
}

/** Started and ready; its tables outlive `kill`. In S3, where there is a bucket: `s3Folder` has the S3 server's files. */
export async function startCatalogServer(s3?: {
  readonly folder: string
  readonly bucket: string
}): Promise<CatalogServer> {
  const [port] = (await findFreePorts(1)) as [number]
  const data = await mkdtemp(join(tmpdir(), 'iceberg-catalog-'))
  const folder = join(data, 'warehouse')
  const warehouse = s3 ? `s3://${s3.bucket}/warehouse` : `file://${folder}`
  const database = join(data, 'database', 'catalog.sqlite')
  const server = new StoreServerProcess({
    port,
    command: 'java',
    args: ['-cp', classPath, 'CatalogServer', String(port), database, warehouse, s3?.folder ?? ''],
    cwd: data,
    credentials: { accessKeyId: '', secretAccessKey: '' },
    removeData: () => rm(data, { recursive: true, force: true }),
  })
  await server.start()
  return Object.assign(server, { folder })
}
