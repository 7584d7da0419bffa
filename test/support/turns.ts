/** Counts the turns of the event loop until `stop` is called: what does not give way has none. */
export function countTurns(): { stop(): number } {
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns++
    if (!isOver) setImmediate(count)
  }
  count()
  return {
    stop() {
      isOver = true
      return turns
    },
  }
}
