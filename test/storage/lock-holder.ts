/** Takes LMDB's write lock, says so, and keeps it until it is killed. */
import { writeSync } from 'node:fs'
import { open } from 'lmdb'
import { childArgument } from '../support/child.ts'

const database = open({ path: childArgument<{ folder: string }>().folder, noSubdir: false, overlappingSync: false })
database.transactionSync(() => {
  writeSync(1, 'holding\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})
