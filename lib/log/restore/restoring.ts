import type { Restoring } from '../contract.ts'
import { type AttachParts, attachBatches } from './attach-batches.ts'
import { renameTopic } from './rename-topic.ts'

/** What brings a topic back that was written to files. */
export function restoringOf(parts: AttachParts): Restoring {
  return {
    attach: attachment => attachBatches(parts, attachment),
    rename: (topic, wanted) => renameTopic(parts, topic, wanted),
  }
}
