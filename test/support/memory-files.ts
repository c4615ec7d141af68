/** PublishedFiles over a Map. */
import { checkPublishedName, type PublishedFiles } from '../../lib/storage/index.ts'

export interface MemoryFiles extends PublishedFiles {
  readonly stored: Map<string, Uint8Array>
}

export function memoryFiles(): MemoryFiles {
  const stored = new Map<string, Uint8Array>()
  return {
    stored,
    put: async (name, parts) => {
      checkPublishedName(name)
      stored.set(name, new Uint8Array(Buffer.concat(parts)))
    },
    get: async name => stored.get(name)?.slice(),
    list: async prefix => [...stored.keys()].filter(name => name.startsWith(prefix)),
    delete: async names => {
      for (const name of names) stored.delete(name)
    },
    uri: name => `memory:/archives/${name}`,
  }
}
