import { archivePlants } from './archive-plants.ts'
import { cleaningPlants } from './cleaning-plants.ts'
import { compactionPlants } from './compaction-plants.ts'
import { consumerGroupPlants } from './consumer-group-plants.ts'
import { expiryPlants } from './expiry-plants.ts'
import { forkPlants } from './fork-plants.ts'
import { groupPlants } from './group-plants.ts'
import { importPlants } from './import-plants.ts'
import { ingestPlants } from './ingest-plants.ts'
import { logPlants } from './log-plants.ts'
import type { Plant } from './plant.ts'
import { pushPlants } from './push-plants.ts'
import { shareGroupPlants } from './share-group-plants.ts'
import { sharePlants } from './share-plants.ts'
import { streamsGroupPlants } from './streams-group-plants.ts'
import { transactionPlants } from './transaction-plants.ts'
import { upkeepPlants } from './upkeep-plants.ts'

export { type Plant, plantBug, plantedSources } from './plant.ts'

export const plants: readonly Plant[] = [
  ...logPlants,
  ...compactionPlants,
  ...cleaningPlants,
  ...groupPlants,
  ...consumerGroupPlants,
  ...transactionPlants,
  ...sharePlants,
  ...shareGroupPlants,
  ...upkeepPlants,
  ...expiryPlants,
  ...forkPlants,
  ...ingestPlants,
  ...importPlants,
  ...pushPlants,
  ...streamsGroupPlants,
  ...archivePlants,
]
