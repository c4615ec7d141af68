/** Opens a store and prints the code of the failure, or what it opened. */
import { StoreError } from '../../lib/storage/index.ts'
import { childArgument } from '../support/child.ts'
import { type ItemsAddress, type ObjectsAddress, openItems, openObjects } from '../support/store-address.ts'

const address = childArgument<ItemsAddress | ObjectsAddress>()
try {
  const opening = address.kind === 'lmdb' || address.kind === 'dynamodb' ? openItems(address) : openObjects(address)
  await (await opening).close()
  console.log('opened')
} catch (error) {
  console.log(error instanceof StoreError ? error.code : String(error))
}
