/**
 * Opens an item store, says `open`, does its steps, and keeps the store open until it is killed. A step is a turn: writes that are made
 * at once, for which it prints a line of their fates (true, false, or what the failure was); or the path of a file to wait for.
 */
import { existsSync } from 'node:fs'
import { StoreError } from '../../lib/storage/index.ts'
import { childArgument } from '../support/child.ts'
import { type ItemsAddress, openItems } from '../support/store-address.ts'
import { operationsOf, type ToldWrite } from './told-writes.ts'

export interface OwnerOptions {
  readonly address: ItemsAddress
  readonly steps: readonly (readonly ToldWrite[] | string)[]
}

const { address, steps } = childArgument<OwnerOptions>()
const store = await openItems(address)
console.log('open')
for (const step of steps) {
  if (typeof step === 'string') await untilThere(step)
  else console.log(JSON.stringify(await Promise.all(step.map(fateOf))))
}
// Nothing else keeps the process.
setInterval(() => {}, 3_600_000)

async function fateOf(write: ToldWrite): Promise<boolean | string> {
  try {
    return (await store.write(operationsOf(write))).written
  } catch (error) {
    return error instanceof StoreError ? `${error.code}, effect ${error.effect}` : String(error)
  }
}

async function untilThere(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise(resolve => setTimeout(resolve, 1))
}
