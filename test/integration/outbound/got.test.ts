import { describeAnswers } from './answers.contract.ts'
import { describeConnections } from './connections.contract.ts'

describeAnswers('got')
describeConnections('got')
