import { startLocalStack } from 'localstack-utils'
const t = performance.now()
const l = await startLocalStack()
console.log('ready', performance.now() - t, l.endpoint)
const t2 = performance.now()
await l.stop()
console.log('stopped', performance.now() - t2)
