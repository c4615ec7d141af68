import { expect, test } from 'vitest'
import { ApiVersions, Metadata } from '../../lib/protocol/index.ts'
import { startTestBroker } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'
test('x', async () => {
  const broker = await startTestBroker()
  const client = await WireClient.connect(broker.port)
  console.log(JSON.stringify(await client.request(ApiVersions, 4, {clientSoftwareName: 'a', clientSoftwareVersion: '1'})))
  console.log(JSON.stringify(await client.request(Metadata, 12, {topics: [{name: 'abc'}]})))
  console.log(broker.logged)
  client.end()
  await broker.close()
})
