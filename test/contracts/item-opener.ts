/** Opens and closes the stores again and again, as commands do beside a server; prints a line for each time. */
import { childArgument } from '../support/child.ts'
import { type ItemsAddress, openItems } from '../support/store-address.ts'

const { address, times } = childArgument<{ address: ItemsAddress; times: number }>()
for (let time = 0; time < times; time++) {
  const store = await openItems(address)
  await store.close()
  console.log(time)
}
