import type { Fault } from '../fault.ts'
import { NETWORK_FAULTS } from './network.ts'
import { PROCESS_FAULTS } from './processes.ts'
import { RECEIVER_FAULTS } from './receivers.ts'
import { POSTGRES_FAULTS, REDIS_FAULTS } from './servers.ts'

export const ALL_FAULTS: readonly Fault[] = [
  ...PROCESS_FAULTS,
  ...POSTGRES_FAULTS,
  ...REDIS_FAULTS,
  ...NETWORK_FAULTS,
  ...RECEIVER_FAULTS,
]
