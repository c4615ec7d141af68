/**
 * `npm run golden-formats`: writes the bytes of formats that have no file yet. A file that is there is never changed: it stands for what
 * users have stored. A format that changes gets a new version, a sample and a file of its own, and still reads the old file.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { storedFormats } from './formats.ts'
import { goldenFile, goldenFolder, keysFile } from './stored-format.ts'
import { storedKeys } from './stored-keys.ts'

mkdirSync(goldenFolder, { recursive: true })
let written = 0
for (const { name, encodeSample, isOld } of storedFormats()) if (!isOld) write(goldenFile(name), encodeSample())
write(keysFile, `${JSON.stringify(storedKeys(), undefined, 2)}\n`)
process.stdout.write(`${written} files written to ${goldenFolder}; those that were there are as they were\n`)

function write(path: string, content: Uint8Array | string): void {
  if (existsSync(path)) return
  writeFileSync(path, content, { flag: 'wx' })
  written++
}
