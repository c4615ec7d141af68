/**
 * Bundles each function into one file, `dist/functions/NAME/index.mjs`, without native code: the same bytes run on arm64 and on x64.
 * The AWS SDK is in the bundle, for the runtime's own loads slower.
 */
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const names = ['http', 'ingest', 'dispatch', 'upkeep', 'resource']
const portable = (file: string) => join(root, 'functions/portable', file)

/** Answers the folder with one folder for each function. */
export async function bundleFunctions(): Promise<string> {
  const outdir = join(root, 'dist/functions')
  await build({
    entryPoints: names.map(name => ({ in: join(root, `functions/${name}.ts`), out: `${name}/index` })),
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    conditions: ['import', 'module'],
    alias: {
      '@node-rs/crc32': portable('crc32.ts'),
      'lz4-napi': portable('lz4.ts'),
      snappy: portable('snappy.ts'),
    },
    // Packages in CommonJS ask for node's modules by require.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'warning',
  })
  return outdir
}
