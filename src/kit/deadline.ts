/** Rejects with DeadlineError after limitMs; the promise itself goes on and its later failure is swallowed. */
export function withDeadline<T>(promise: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(limitMs)), limitMs)
  })
  return Promise.race([promise, expired]).finally(() => clearTimeout(timer))
}

export class DeadlineError extends Error {
  constructor(limitMs: number) {
    super(`no answer within ${limitMs} ms`)
    this.name = 'DeadlineError'
  }
}
