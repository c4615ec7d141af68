import { Faults } from '../simulation/world/faults.ts'
import { FileTruth } from '../simulation/world/file-truth.ts'
import { ItemTruth } from '../simulation/world/item-truth.ts'
import { ObjectTruth } from '../simulation/world/object-truth.ts'
import { Process } from '../simulation/world/process.ts'
import { SimulatedFiles } from '../simulation/world/published-files.ts'
import { StoreLink } from '../simulation/world/stores.ts'
import { World } from '../simulation/world/world.ts'
import { describePublishedFiles } from './published-files.ts'

describePublishedFiles('simulated', async () => {
  const world = new World()
  const process = new Process(world, { name: 'p', seed: 1, skewMs: 0 })
  const faults = new Faults({ rates: {}, storms: [], latency: 'calm', calmFromMs: 0, without: [] }, 1)
  const truth = { objects: new ObjectTruth(), items: new ItemTruth(), files: new FileTruth(), observer: {} }
  const files = new SimulatedFiles(world, process, truth, new StoreLink(world, process, faults))
  const soon = <T>(work: () => Promise<T>) => world.run(work, Infinity)
  return {
    files: {
      put: (name, parts) => soon(() => files.put(name, parts)),
      get: name => soon(() => files.get(name)),
      list: prefix => soon(() => files.list(prefix)),
      delete: names => soon(() => files.delete(names)),
      uri: name => files.uri(name),
    },
    remove: () => Promise.resolve(),
  }
})
