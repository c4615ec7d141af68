#!/usr/bin/env node
/**
 * Where the process begins. JavaScript, unlike all else: with TypeScript as the first file Node loads its compiler before what was
 * compiled once can be used, a tenth of a second and 15 MB in each start.
 */
import { enableCompileCache } from 'node:module'

// Before the first file is read, for then it is fixed: each call that waits for the disk holds a thread of these.
process.env.UV_THREADPOOL_SIZE ??= '6'

// Starting is mostly compiling: what was compiled once is kept in the system's folder for temporary files.
enableCompileCache()

await import('./program.ts')
