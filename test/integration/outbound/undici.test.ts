import { describeAddresses } from './addresses.contract.ts'
import { describeAnswers } from './answers.contract.ts'
import { describeConnections } from './connections.contract.ts'
import { describeSending } from './sending.contract.ts'

describeAddresses('undici')
describeAnswers('undici')
describeConnections('undici')
describeSending('undici')
