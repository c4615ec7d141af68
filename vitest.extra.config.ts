import { defineConfig } from 'vitest/config'
import { reportersFor } from './vitest.config.ts'

/** What needs more than Node: stores of AWS, other people's clients, minutes of crashes. One file after the other. */
export default defineConfig({
  test: {
    include: ['test/**/*.extra.test.ts'],
    // vitest.clients.config.ts has those.
    exclude: ['test/clients/**'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    fileParallelism: false,
    ...reportersFor('extra'),
  },
})
