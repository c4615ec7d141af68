/**
 * `node lib/cli/bundle.ts` bundles the command line into `dist`: what an installed package runs, and a checkout for as long as its
 * sources are those of the bundle (`fresh-bundle.js`). Servers may be running from there, and load parts of it when they are needed: files
 * that stay the same are not touched, and a new one takes its place whole.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { build, type OutputFile } from 'esbuild'

const root = join(import.meta.dirname, '../..')
const dist = join(root, 'dist')
const sourcesFile = join(dist, 'sources.json')

const { outputFiles, metafile } = await build({
  absWorkingDir: root,
  entryPoints: [{ in: 'lib/cli/bundled.js', out: 'varve' }],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  packages: 'external',
  logLevel: 'warning',
  metafile: true,
  write: false,
})
await mkdir(dist, { recursive: true })
// Until all is written, the sources run.
const changed = await changedOf(outputFiles)
if (changed.length > 0) await rm(sourcesFile, { force: true })
for (const { path, contents } of changed) await replace(path, contents)
await replace(sourcesFile, JSON.stringify(await lookAt(Object.keys(metafile.inputs))))
const current = new Set(outputFiles.map(({ path }) => basename(path)))
for (const name of await readdir(dist))
  if (name.endsWith('.js') && !current.has(name)) await rm(join(dist, name), { force: true })

async function changedOf(files: readonly OutputFile[]): Promise<OutputFile[]> {
  const isSame = await Promise.all(
    files.map(async ({ path, contents }) => {
      const there = await readFile(path).catch(() => undefined)
      return there?.equals(contents) === true
    }),
  )
  return files.filter((_, i) => !isSame[i])
}

async function replace(path: string, contents: string | Uint8Array): Promise<void> {
  const whole = `${path}.${process.pid}`
  await writeFile(whole, contents)
  await rename(whole, path)
}

async function lookAt(paths: readonly string[]): Promise<Record<string, readonly [number, number]>> {
  const sources = await Promise.all(
    paths.map(async path => {
      const { size, mtimeMs } = await stat(join(root, path))
      return [path, [size, mtimeMs]] as const
    }),
  )
  return Object.fromEntries(sources)
}
