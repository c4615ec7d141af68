/** A snapshot is a stored fold: a blob in the segment store, referred to by the head (SnapshotRef). */
import { ByteReader, ByteWriter, checkFormat } from '../../base/index.ts'
import { Fold } from './fold.ts'
import { type KeptBatch, type ProducerState, stateAfterSnapshot } from './producer-state.ts'

const FORMAT_VERSION = 1

/** The fold less the producers that a snapshot at `time` (ms) drops. */
export function encodeFold(fold: Fold, time: number): Uint8Array {
  const entries = [...fold.entries()].flatMap(({ slot, producerId, state }) => {
    const left = stateAfterSnapshot(state, time)
    return left ? [{ slot, producerId, state: left }] : []
  })
  const writer = new ByteWriter(64 + entries.length * 64)
  writer.uint8(FORMAT_VERSION).uint(fold.time).uint(entries.length)
  for (const { slot, producerId, state } of entries) {
    writer.uint(slot).uint(producerId).uint(state.epoch).uint(state.lastTime).uint(state.ended)
    writer
      .uint(state.open?.transaction ?? 0)
      .uint(state.open?.firstOffset ?? 0)
      .uint(state.batches.length)
    for (const batch of state.batches) {
      writer.uint(batch.baseSequence).uint(batch.lastSequence).uint(batch.baseOffset).uint(batch.time)
    }
  }
  return writer.finish()
}

/** @throws CorruptDataError */
export function decodeFold(bytes: Uint8Array): Fold {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('snapshot', version, FORMAT_VERSION)
  const fold = new Fold(reader.uint())
  reader.list(item => fold.set(item.uint(), item.uint(), readState(item)))
  return fold
}

function readState(reader: ByteReader): ProducerState {
  const epoch = reader.uint()
  const lastTime = reader.uint()
  const ended = reader.uint()
  const transaction = reader.uint()
  const firstOffset = reader.uint()
  const open = transaction === 0 ? undefined : { transaction, firstOffset }
  return { epoch, lastTime, ended, open, batches: reader.list(readBatch) }
}

function readBatch(reader: ByteReader): KeptBatch {
  return { baseSequence: reader.uint(), lastSequence: reader.uint(), baseOffset: reader.uint(), time: reader.uint() }
}
