#!/usr/bin/env node
/**
 * Where the process begins in a checkout. JavaScript, unlike all else: with TypeScript as the first file Node loads its compiler
 * before what was compiled once can be used, a tenth of a second and 15 MB in each start. What `npm run build` bundled runs instead
 * of the sources while it is what they say: at the first start, when nothing was compiled before, that takes a third of the time.
 */
import { findFreshBundle } from './fresh-bundle.js'
import { setUpProcess } from './set-up-process.js'

setUpProcess()

await import(findFreshBundle() ?? './program.ts')
