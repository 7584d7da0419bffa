import { constants } from 'node:os'

/** By SIGINT, SIGTERM or SIGHUP; `message` is what the user is told. */
export class Ended extends Error {
  readonly status: number

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`)
    this.status = 128 + constants.signals[signal]
  }
}

/** Aborted by the first signal. Later ones change nothing: a terminal and npm send the same one twice. */
export function endOnSignal(say: (line: string) => void): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (controller.signal.aborted) return
      say(`${signal}: ending everything that was started`)
      controller.abort(new Ended(signal))
    })
  return controller.signal
}
