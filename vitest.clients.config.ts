import { defineConfig } from 'vitest/config'
import { reportersFor } from './vitest.config.ts'

/** `npm run clients` as tests, so that its cases count. */
export default defineConfig({
  test: {
    include: ['test/clients/**/*.extra.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    ...reportersFor('clients'),
  },
})
