import { startCloudStores } from '../support/cloud-stores.ts'
import { createVarveServer } from '../support/varve-server.ts'
import type { Cluster } from './flights-job.ts'

/** So much that no append waits for its flush: here the order of things is tested, not thrift. */
const flushBudget = 10_000

/** `size` gateway processes over one bucket and one table; a crash takes one after the other. */
export async function createCloudCluster(size: number): Promise<Cluster> {
  const stores = await startCloudStores(flushBudget)
  const gateways = await Promise.all(Array.from({ length: size }, () => createVarveServer(stores)))
  let crashes = 0
  return {
    bootstrap: gateways.map(gateway => gateway.bootstrap).join(','),
    start: async () => {
      // The first makes bucket and table.
      for (const gateway of gateways) await gateway.start()
    },
    crash: async () => {
      const gateway = gateways[crashes++ % gateways.length]!
      await gateway.kill()
      await gateway.start()
    },
    output: () => gateways.map(gateway => gateway.output).join('\n'),
    stop: async () => {
      await Promise.all(gateways.map(gateway => gateway.stop()))
      await stores.stop()
    },
  }
}
