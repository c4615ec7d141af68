import { defineConfig } from 'vitest/config'
import { reportersFor } from './vitest.config.ts'

/** Deploys to LocalStack and drives what is there from outside. */
export default defineConfig({
  test: {
    include: ['test/**/*.localstack.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 1_800_000,
    pool: 'forks',
    fileParallelism: false,
    ...reportersFor('localstack'),
  },
})
