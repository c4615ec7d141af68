import { createTestServer } from '../support/varve-server.ts'
import { describeFlightsJob } from './flights-job.ts'

describeFlightsJob('one process with embedded stores', async () => {
  const server = await createTestServer()
  return {
    bootstrap: server.bootstrap,
    start: () => server.start(),
    crash: async () => {
      await server.kill()
      await server.start()
    },
    output: () => server.output,
    stop: () => server.stop(),
  }
})
