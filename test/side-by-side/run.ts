/**
 * `npm run side-by-side [-- --kafka PORT] [-- --only PATTERN]`: sends the same requests to a real Apache Kafka 4.4 and to Varve, and
 * says where the answers differ. `--kafka`: one that runs already.
 */
import { parseArgs } from 'node:util'
import { createApacheKafka } from '../support/apache-kafka.ts'
import { createVarveServer } from '../support/varve-server.ts'
import { compareServers, reportOf } from './side-by-side.ts'

const { values } = parseArgs({ options: { kafka: { type: 'string' }, only: { type: 'string' } } })
const kafka = values.kafka === undefined ? await createApacheKafka({ heapMegabytes: 512 }) : undefined
const varve = await createVarveServer()
try {
  await Promise.all([kafka?.start(), varve.start()])
  const result = await compareServers({
    kafkaPort: Number(values.kafka ?? portOf(kafka!.bootstrap)),
    begin: name => process.stderr.write(`${name}\n`),
    varvePort: portOf(varve.bootstrap),
    ...(values.only === undefined ? {} : { only: new RegExp(values.only) }),
  })
  console.log(reportOf(result))
  process.exitCode = result.unexpected.length === 0 ? 0 : 1
} finally {
  await Promise.all([kafka?.stop(), varve.stop()])
}

function portOf(bootstrap: string): number {
  return Number(bootstrap.split(':')[1])
}
