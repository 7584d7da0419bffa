const LENGTH_MAX = 40

/** The word that takes the fewest edits, if that is at most a third of its letters; else null. */
export function closestWord(text: string, words: readonly string[]): string | null {
  if (text.length > LENGTH_MAX) return null
  let best: string | null = null
  let bestEdits = Number.POSITIVE_INFINITY
  for (const word of words) {
    const edits = countEdits(text, word)
    if (edits < bestEdits && edits <= Math.ceil(word.length / 3)) {
      best = word
      bestEdits = edits
    }
  }
  return best
}

function countEdits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
