import { describeAnswers } from './answers.contract.ts'
import { describeConnections } from './connections.contract.ts'

describeAnswers('undici')
describeConnections('undici')
