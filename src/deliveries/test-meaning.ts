import type { Preset } from '../../config/presets/preset.ts'
import { describeAnswer } from './sentences.ts'
import type { Verdict } from './verdict.ts'

export type TestFacts = {
  preset: Preset | null
  answer: { httpStatus: number | null; error: string | null; body: string | null }
  verdict: Verdict
  /** No tracker knows the click id. */
  madeUp: boolean
  /** What told the receiver that it was a test. */
  marks: readonly string[]
  transactionId: string
}

/** One sentence on what the answer to a test fire means for this tracker. */
export function explainTest(facts: TestFacts): string {
  const { preset, verdict } = facts
  const isKnown = preset !== null && preset.kind !== 'plain'
  const name = isKnown ? preset.title : 'The receiver'
  const said = `${name} answered ${describeAnswer(facts.answer)}`
  if (verdict === 'retry') return unanswered(facts, name)
  if (verdict === 'refused') return refused(facts, name)
  if (preset?.kind === 'ad_platform') return platformTook(facts, preset, said)
  if (facts.madeUp)
    return `${said}: the address works, but the click id is made up, and a real tracker refuses or ignores a click id that it never gave out, even where it answers well; fire again with affiliate_click_id of a click of its own.`
  return `${said}: it has the call, and where it knows the click a conversion ${facts.transactionId} stands there now${markedAs(facts)}; one that does not know the click answers well and shows nothing.`
}

function unanswered({ answer }: TestFacts, name: string): string {
  const what = describeAnswer(answer)
  return answer.httpStatus === null
    ? `${name} was not reached: ${what}; a real delivery would be tried again by the retry schedule.`
    : `${name} answered ${what}, which is no good answer; a real delivery would be tried again by the retry schedule.`
}

function refused({ answer, madeUp }: TestFacts, name: string): string {
  const said = `${name} refused the test with ${describeAnswer(answer)}`
  const isAboutClick = /sub_?id|click/i.test(`${answer.error} ${answer.body}`)
  if (madeUp && isAboutClick)
    return `${said}: that is what it does with a made-up click id, so the address works; fire again with affiliate_click_id of a click of its own.`
  return madeUp
    ? `${said}: either the destination is wrong, or it refuses the click id, which is made up; correct the one or fire again with affiliate_click_id of a click of its own.`
    : `${said}: a real delivery would be refused too and not tried again, so correct the destination first.`
}

function platformTook({ marks, madeUp }: TestFacts, preset: Preset, said: string): string {
  const nobody = madeUp ? ', and nobody is matched to the click, which is made up' : ''
  const isMarked = marks.length > 0
  if (preset.confirmation === 'none')
    return isMarked
      ? `${said}: its check of the event found nothing wrong and counted nothing${nobody}; whether its keys are right is never said.`
      : `${said}, as it does to everything${nobody}; whether it took the event is never said.`
  if (isMarked) return `${said}: it shows the event among its test events and counts nothing${nobody}.`
  const secret = Object.values(preset.test_body ?? {})[0]
  const advice = secret === undefined ? '' : `; give the destination the secret ${secret} to mark tests`
  return `${said}: it took the event and counts it like a real one${nobody}${advice}.`
}

const markedAs = ({ marks }: TestFacts): string =>
  marks.length === 0 ? '' : ` (marked by ${marks.join(', ')})`
