import { defineConfig } from 'vitest/config'

type Options = { globalSetup?: string[]; maxWorkers?: number; sequence?: { groupOrder: number } }

const project = (name: string, timeoutMs: number, options: Options = {}) => ({
  extends: true as const,
  test: {
    ...options,
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeoutMs,
    hookTimeout: Math.max(timeoutMs, 30_000),
  },
})

const globalSetup = ['test/support/global-setup.ts']
// Programs with many processes, whose start has a time limit: one file at a time, when nothing else runs.
const alone = { maxWorkers: 1, sequence: { groupOrder: 1 } }

export default defineConfig({
  test: {
    pool: 'forks',
    // Real servers and their clients share the machine with the tests.
    maxWorkers: 2,
    projects: [
      project('unit', 30_000),
      project('integration', 30_000, { globalSetup }),
      project('e2e', 120_000, { globalSetup, ...alone }),
      project('docs', 20_000),
    ],
  },
})
