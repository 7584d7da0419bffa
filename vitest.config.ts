import { defineConfig } from 'vitest/config'

const project = (name: string, timeoutMs: number, globalSetup: string[] = []) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeoutMs,
    hookTimeout: Math.max(timeoutMs, 30_000),
    globalSetup,
  },
})

const services = ['test/support/global-setup.ts']

export default defineConfig({
  test: {
    pool: 'forks',
    // Real servers and their clients share the machine with the tests.
    maxWorkers: 2,
    projects: [
      project('unit', 5_000),
      project('integration', 30_000, services),
      project('e2e', 120_000, services),
      project('docs', 20_000),
    ],
  },
})
