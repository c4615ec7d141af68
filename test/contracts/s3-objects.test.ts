import { describeWith } from '../support/requirement.ts'
import { s3Server, startS3Server } from '../support/s3-server.ts'
import { addressOf } from '../support/store-address.ts'
import { describeObjectStore, ODD_KEYS } from './object-store.ts'

/** versitygw keeps objects under their keys in a folder, so it takes no parts that are no file names; S3 does. */
const impossibleKeys = ODD_KEYS.filter(
  key =>
    key === 'odd/a' || key.split('/').some(part => ['', '.', '..'].includes(part) || Buffer.byteLength(part) > 255),
)

describeWith(s3Server, 'versitygw', () => {
  for (const prefix of [undefined, 'a prefix/of two parts']) {
    const name = prefix === undefined ? 'S3' : 'S3 under a prefix'
    describeObjectStore(name, () => makePlace(prefix), { impossibleKeys })
  }
})

async function makePlace(prefix: string | undefined) {
  const server = await startS3Server()
  const address = { kind: 's3', server: addressOf(server), bucket: 'varve', ...(prefix ? { prefix } : {}) } as const
  return { address, remove: () => server.stop() }
}
