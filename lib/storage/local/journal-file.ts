/**
 * A file in which writes are on disk sooner than in LMDB: its space is laid out once, so that a write is one request to the disk,
 * and no page of a tree comes with it. Two halves are used in turn; one is used again when LMDB has what is in it. What was written
 * last stays in memory too, in the same places.
 */
import { closeSync, constants, fdatasyncSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { open, rename, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StoreError } from '../index.ts'
import { syncPath } from './durable-folders.ts'
import { errorCode } from './file-errors.ts'
import {
  type Change,
  type Frame,
  frameBytes,
  HEADER_BYTES,
  isForeignFrame,
  mayBeLater,
  readFrame,
  writeFrame,
} from './journal-frame.ts'

const HALF_BYTES = 4 * 1_024 * 1_024
/** What was answered is never written over: each sync begins on a page of its own. */
const PAGE_BYTES = 4_096
/** While a half fills, LMDB takes in the other: so much must be free on the disk for both, and for what else comes onto it meanwhile. */
const ROOM_BYTES_MIN = 8 * HALF_BYTES
/** A write of more is not for the journal: it would be written twice for little. */
export const JOURNALED_WRITE_BYTES_MAX = 1_024 * 1_024

/** macOS has the flag too, and does not empty the disk's own cache for it; fdatasync there does. */
const SYNCED = process.platform === 'linux' ? constants.O_DSYNC : 0

/** Whether LMDB will have room for what is written to a journal in this folder. */
export async function hasRoomForJournal(folder: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize >= ROOM_BYTES_MIN
}

export interface Opening {
  /** Random: see FramePlace. */
  readonly opening: number
  /** The last one that LMDB has. */
  readonly generation: number
}

/** What a process that is gone left in one half. */
export interface Generation {
  readonly generation: number
  readonly frames: readonly Frame[]
}

export class JournalFile {
  readonly #file: number
  readonly #memory = Buffer.alloc(2 * HALF_BYTES)
  readonly #opening: number
  #half = 1
  #generation: number
  #frames = 0
  #framesBefore = 0
  #end = 0
  /** What lies before is on disk. */
  #synced = 0

  private constructor(file: number, { opening, generation }: Opening) {
    this.#file = file
    this.#opening = opening
    this.#generation = generation
  }

  /** The generations after `generation`, which is the last that LMDB has; the older first. @throws StoreError where it is damaged */
  static read(path: string, generation: number): Generation[] {
    const missing = readHalves(path, generation).toSorted((a, b) => a.generation - b.generation)
    const last = missing.at(-1)
    const before = missing.length > 1 ? missing[0] : undefined
    if (last && last.generation - 1 > generation) {
      const expected = last.frames[0]!.framesBefore
      const found = before?.frames.length ?? 0
      if (expected !== found)
        throw damaged(`it has ${found} of the ${expected} writes of generation ${last.generation - 1}`)
    }
    return missing
  }

  /** The file is made, with its space, where it is missing. What LMDB does not have of it is lost. */
  static async open(path: string, opening: Opening): Promise<JournalFile> {
    if (statSync(path, { throwIfNoEntry: false })?.size !== 2 * HALF_BYTES) await layOut(path)
    const journal = new JournalFile(openSync(path, constants.O_WRONLY | SYNCED), opening)
    journal.begin()
    return journal
  }

  get generation(): number {
    return this.#generation
  }

  /** Begins the next generation in the other half, which LMDB has all of. */
  begin(): void {
    this.#half = 1 - this.#half
    this.#generation++
    this.#framesBefore = this.#frames
    this.#frames = 0
    this.#end = this.#half * HALF_BYTES
    this.#synced = this.#end
  }

  hasRoomFor(changes: readonly Change[]): boolean {
    return this.#end + frameBytes(changes) <= (this.#half + 1) * HALF_BYTES
  }

  /** Not on disk before `sync`. Gives the changes with values that stay as they are until this half is begun again. */
  append(changes: readonly Change[]): Change[] {
    const place = {
      opening: this.#opening,
      generation: this.#generation,
      number: this.#frames,
      framesBefore: this.#framesBefore,
    }
    const stored = writeFrame(this.#memory, this.#end, place, changes)
    this.#end += frameBytes(changes)
    this.#frames++
    return stored
  }

  /** All that was appended is on disk afterwards. @throws Error of the system: then nobody knows */
  sync(): void {
    if (this.#end === this.#synced) return
    const end = Math.ceil(this.#end / PAGE_BYTES) * PAGE_BYTES
    // What an earlier use left there must not be taken for a frame of this one.
    this.#memory.fill(0, this.#end, end)
    while (this.#synced < end)
      this.#synced += writeSync(this.#file, this.#memory, this.#synced, end - this.#synced, this.#synced)
    if (SYNCED === 0) fdatasyncSync(this.#file)
    this.#end = end
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** Those that begin with a later generation. */
function readHalves(path: string, generation: number): Generation[] {
  const file = openUnlessMissing(path)
  if (file === undefined) return []
  try {
    return [0, HALF_BYTES].flatMap(start => {
      const first = readBytes(file, start, HEADER_BYTES)
      if (!mayBeLater(first, generation)) return []
      if (isForeignFrame(first))
        throw damaged('written by another version of Varve: start that one once more, and stop it')
      // A process that was killed in a write may have left it in the system's memory alone.
      fdatasyncSync(file)
      const frames = framesOf(readBytes(file, start, HALF_BYTES))
      return frames[0] ? [{ generation: frames[0].generation, frames }] : []
    })
  } finally {
    closeSync(file)
  }
}

function framesOf(half: Buffer): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; ; ) {
    const page = Math.ceil(at / PAGE_BYTES) * PAGE_BYTES
    const following = readFrame(half, at)
    const frame = following ?? readFrame(half, page)
    const { opening, generation } = frames[0] ?? frame ?? {}
    if (frame?.number !== frames.length || frame.generation !== generation || frame.opening !== opening) return frames
    frames.push(frame)
    at = (following ? at : page) + frame.bytes
  }
}

function readBytes(file: number, from: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let read = 0
  while (read < length) {
    const more = readSync(file, bytes, read, length - read, from + read)
    if (more === 0) break
    read += more
  }
  return bytes.subarray(0, read)
}

async function layOut(path: string): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.writeFile(Buffer.alloc(2 * HALF_BYTES))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
  await syncPath(dirname(path))
}

function openUnlessMissing(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function damaged(what: string): StoreError {
  return new StoreError('STORE_REFUSED', `the item store's journal cannot be read: ${what}`)
}
