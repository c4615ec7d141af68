import { memoryCatalog } from '../support/memory-catalog.ts'
import { describeTableCatalog } from './table-catalog.ts'

describeTableCatalog('in memory', async () => ({ catalog: memoryCatalog(), remove: async () => {} }))
