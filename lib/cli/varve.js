#!/usr/bin/env node
/**
 * Where the process begins. JavaScript, unlike all else: with TypeScript as the first file Node loads its compiler before what was
 * compiled once can be used, a tenth of a second and 15 MB in each start.
 */
import module from 'node:module'

const NODE_MIN = 24

if (Number.parseInt(process.versions.node, 10) < NODE_MIN) {
  console.error(
    `varve needs Node ${NODE_MIN} or newer, and this is ${process.versions.node}: in its folder, npm start and npm run varve bring their own`,
  )
  process.exit(1)
}

// Before the first file is read, for then it is fixed: each call that waits for the disk holds a thread of these.
process.env.UV_THREADPOOL_SIZE ??= '6'

// Starting is mostly compiling: what was compiled once is kept in the system's folder for temporary files.
module.enableCompileCache()

await import('./program.ts')
