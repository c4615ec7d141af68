import { systemClock, systemRandom } from '../../lib/base/index.ts'
import { createS3Client, ensureBucket, openPublishedBucket } from '../../lib/storage/aws/index.ts'
import { describeWith } from '../support/requirement.ts'
import { s3Server, startS3Server } from '../support/s3-server.ts'
import { describePublishedFiles } from './published-files.ts'

describeWith(s3Server, 'an S3 server', () => {
  describePublishedFiles('S3', async () => {
    const server = await startS3Server()
    const client = createS3Client(server)
    await ensureBucket(client, 'lake')
    const place = { client, bucket: 'lake', prefix: 'varve/archive' }
    const remove = async () => {
      client.destroy()
      await server.stop()
    }
    return { files: openPublishedBucket(place, { clock: systemClock, random: systemRandom }), remove }
  })
})
