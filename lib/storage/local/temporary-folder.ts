/**
 * A process's own folder for files that have no name yet. What a killed process left is removed by the next one that
 * opens the store; the folder of a process that lives is left alone.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { drawToken, hexOf, type Random } from '../../base/index.ts'

const NAME = /^(\d+)-[0-9a-f]{14}$/

/** Folders of this process: its own number does not tell them from those of a killed process that had the same one. */
const ours = new Set<string>()

export class TemporaryFolder {
  readonly #path: string
  #files = 0

  /** Makes the folder below `parent`, which must be there. */
  constructor(parent: string, random: Random) {
    removeLeftovers(parent)
    this.#path = join(parent, `${process.pid}-${hexOf(drawToken(random), 14)}`)
    ours.add(this.#path)
    mkdirSync(this.#path)
  }

  /** A path that no file has yet. */
  nextFile(): string {
    return join(this.#path, String(this.#files++))
  }

  /** Makes the folder again where somebody took it (a process that cannot see this one, in another container). */
  restore(): void {
    if (!existsSync(this.#path)) mkdirSync(this.#path, { recursive: true })
  }

  remove(): void {
    rmSync(this.#path, { recursive: true, force: true })
    ours.delete(this.#path)
  }
}

function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    const path = join(parent, name)
    const owner = Number(NAME.exec(name)?.[1] ?? Number.NaN)
    if (Number.isNaN(owner) || ours.has(path)) continue
    if (owner === process.pid || !isAlive(owner)) rmSync(path, { recursive: true, force: true })
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    // Any other answer (EPERM) comes from a process that is there.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}
