/** What programs in other languages need, made ready in .cache/clients once for each version of their lock files. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { apacheKafkaClassPath, apacheKafkaMissing } from '../support/apache-kafka.ts'

/** The machine lacks something that a client needs. */
export class ToolchainMissing extends Error {}

const cache = join(import.meta.dirname, '../../.cache/clients')
const run = promisify(execFile)

export async function needCommand(command: string, args: readonly string[], advice: string): Promise<void> {
  await run(command, args).catch(() => {
    throw new ToolchainMissing(`${command} is missing: ${advice}`)
  })
}

/** A Python with what requirements.txt names. */
export async function pythonWith(requirements: string): Promise<string> {
  await needCommand('python3', ['-m', 'venv', '--help'], 'install Python 3.10 or newer with venv')
  const folder = await made('python', [requirements], async folder => {
    await run('python3', ['-m', 'venv', folder])
    await run(join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--requirement', requirements])
  })
  return join(folder, 'bin/python')
}

/** The program of a Go module. */
export async function goProgram(module: string, sources: readonly string[]): Promise<string> {
  await needCommand('go', ['version'], 'install Go 1.26 or newer')
  const files = ['go.mod', 'go.sum', ...sources].map(name => join(module, name))
  const folder = await made('go', files, folder =>
    run('go', ['build', '-o', join(folder, 'program'), '.'], { cwd: module }),
  )
  return join(folder, 'program')
}

/** The tests of a package that a Go module depends on, as a program. */
export async function goTests(module: string, packageName: string): Promise<string> {
  await needCommand('go', ['version'], 'install Go 1.26 or newer')
  const files = ['go.mod', 'go.sum'].map(name => join(module, name))
  const folder = await made('go-tests', files, folder =>
    run('go', ['test', '-c', '-o', join(folder, 'program'), packageName], { cwd: module }),
  )
  return join(folder, 'program')
}

/** The class path of Apache Kafka's jars and of these Java sources. */
export async function javaClassPath(sources: readonly string[]): Promise<string> {
  const missing = await apacheKafkaMissing()
  if (missing !== undefined) throw new ToolchainMissing(missing)
  return compiledJava(sources, await apacheKafkaClassPath())
}

/** The class path of these jars and of these Java sources. */
export async function compiledJava(sources: readonly string[], jars: string): Promise<string> {
  await needCommand('javac', ['-version'], 'install a JDK 17')
  const folder = await made('java', sources, folder => run('javac', ['-cp', jars, '-d', folder, ...sources]))
  return `${folder}:${jars}`
}

/** The class path of what a project of Maven depends on. */
export async function mavenClassPath(project: string): Promise<string> {
  await needCommand('java', ['-version'], 'install Java 17')
  const folder = await made('maven', [project], async folder => {
    await needCommand('mvn', ['-version'], 'install Maven')
    await run('mvn', ['-q', '-B', '-f', project, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`])
  })
  return join(folder, '*')
}

/** A folder under the cache that `make` filled for exactly these files. A half made one is not found under its name. */
async function made(
  kind: string,
  files: readonly string[],
  make: (folder: string) => Promise<unknown>,
): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) hash.update(await readFile(file))
  const folder = join(cache, `${kind}-${hash.digest('hex').slice(0, 16)}`)
  const done = `${folder}.done`
  if (existsSync(done)) return folder
  await mkdir(cache, { recursive: true })
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
  await make(folder)
  await writeFile(done, '')
  return folder
}
