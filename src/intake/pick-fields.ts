import { type CanonicalField, type FieldNames, type Meaning, TID } from './field-names.ts'
import type { Parameter } from './parameters.ts'

/** A reported value, trimmed and never empty, and the parameter it came from. */
export type Field = { value: string; broken: boolean; raw: string; from: string }

export type PickedFields = {
  fields: ReadonlyMap<CanonicalField, Field>
  /** A click id was sent, and it was empty: a macro that its system replaced with nothing. */
  hasEmptyClickId: boolean
  /** What no field took, as sent. */
  rest: ReadonlyMap<string, Parameter>
}

type Candidate = Field & { rank: number }

/** Finds the canonical fields among the parameters; an empty value is as good as none. */
export function pickFields(byName: ReadonlyMap<string, Parameter>, names: FieldNames): PickedFields {
  const best = new Map<CanonicalField, Candidate>()
  const rest = new Map<string, Parameter>()
  let hasEmptyClickId = false
  let hasEmptyTid = false
  let tid: Candidate | undefined
  const give = (name: string, parameter: Parameter, meanings: readonly Meaning[]): void => {
    const candidate = toCandidate(name, parameter)
    if (candidate === undefined) {
      if (meanings.some(({ field }) => field === 'click_id')) hasEmptyClickId = true
      return
    }
    const losers = meanings.map((meaning) => keepBetter(best, meaning, candidate))
    for (const loser of losers) if (loser !== undefined) rest.set(loser.from, toParameter(loser))
  }
  for (const [name, parameter] of byName) {
    const lowerName = name.toLowerCase()
    const meanings = names.meanings.get(lowerName)
    if (meanings !== undefined) give(name, parameter, meanings)
    else if (lowerName === TID && names.hasFreeTid) {
      tid = toCandidate(name, parameter)
      hasEmptyTid = tid === undefined
    } else rest.set(name, parameter)
  }
  if (tid !== undefined) {
    const field = meaningOfTid(best, hasEmptyClickId)
    if (field === null) rest.set(tid.from, toParameter(tid))
    else best.set(field, tid)
  }
  for (const { from } of best.values()) rest.delete(from)
  return { fields: best, hasEmptyClickId: hasEmptyClickId || hasEmptyTid, rest }
}

function toCandidate(from: string, parameter: Parameter): Candidate | undefined {
  const value = parameter.value.trim()
  return value === ''
    ? undefined
    : { value, broken: parameter.broken, raw: parameter.raw ?? value, from, rank: 0 }
}

/** Of two with the same rank (the same name in other letter cases) the later one counts. */
function keepBetter(
  best: Map<CanonicalField, Candidate>,
  { field, rank }: Meaning,
  candidate: Candidate,
): Candidate | undefined {
  const current = best.get(field)
  if (current !== undefined && current.rank < rank) return candidate
  best.set(field, { ...candidate, rank })
  return current
}

/**
 * Offer18 sends the click id as `tid`, Keitaro and CAKE an order id: it is the one of the two that is missing. A click id
 * that came empty has its name, so `tid` is not it.
 */
function meaningOfTid(
  best: ReadonlyMap<CanonicalField, Candidate>,
  hasEmptyClickId: boolean,
): CanonicalField | null {
  if (!best.has('click_id') && !hasEmptyClickId) return 'click_id'
  return best.has('transaction_id') ? null : 'transaction_id'
}

const toParameter = ({ value, broken, raw }: Candidate): Parameter => ({ value, broken, raw })
