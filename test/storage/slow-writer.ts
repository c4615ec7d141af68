/** Waits until somebody else writes `go`, writes `done`, and prints when it may rely on it. */
import { childArgument } from '../support/child.ts'
import { type ItemsAddress, type ObjectsAddress, openItems, openObjects } from '../support/store-address.ts'

const address = childArgument<ItemsAddress | ObjectsAddress>()

async function writeItem(address: ItemsAddress): Promise<void> {
  const store = await openItems(address)
  console.log('open')
  while (!(await store.get({ pk: 'slow', sk: 'go' }))) await tick()
  const value = Buffer.from('done')
  await store.write([{ kind: 'put', key: { pk: 'slow', sk: 'done' }, expected: 'absent', version: 1, value }])
  console.log('acknowledged')
}

async function putObject(address: ObjectsAddress): Promise<void> {
  const store = await openObjects(address)
  console.log('open')
  while (!(await store.get('slow/go'))) await tick()
  await store.put('slow/done', [Buffer.from('done')])
  console.log('acknowledged')
}

function tick(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 1))
}

await (address.kind === 'lmdb' || address.kind === 'dynamodb' ? writeItem(address) : putObject(address))
process.exit()
