import type { Restoring } from '../contract.ts'
import type { StoredTopics } from '../topics/stored-topics.ts'
import { type AttachParts, attachBatches } from './attach-batches.ts'
import { renameTopic } from './rename-topic.ts'

/** What brings a topic back that was written to files. */
export function restoringOf(parts: AttachParts & { readonly topics: StoredTopics }): Restoring {
  return {
    begin: async wanted => {
      const name = await parts.topics.beginRestoring(wanted)
      return { topic: name.topic, hold: work => name.hold(work) }
    },
    attach: attachment => attachBatches(parts, attachment),
    rename: (topic, wanted) => renameTopic(parts, topic, wanted),
  }
}
