#!/usr/bin/env node
/** Where the process begins in the bundle: the `varve` of an installed package, and of a checkout whose sources have not changed since. */
import { setUpProcess } from './set-up-process.js'

setUpProcess()

await import('./program.ts')
