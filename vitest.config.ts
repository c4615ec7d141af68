import { defineConfig } from 'vitest/config'

/** With VARVE_TEST_REPORTS=FOLDER each run leaves a JSON report there too. */
export function reportersFor(name: string) {
  const folder = process.env.VARVE_TEST_REPORTS
  const reporters: ['default', ['json', { outputFile: string }]] = [
    'default',
    ['json', { outputFile: `${folder}/${name}.json` }],
  ]
  return folder ? { reporters } : {}
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.extra.test.ts', 'test/**/*.localstack.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    ...reportersFor('base'),
  },
})
