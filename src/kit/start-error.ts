/**
 * A reason not to start that the person who starts it can mend: one line with the setting and the fix. The process
 * ends with it on standard error and status 1, without a stack trace.
 */
export class StartError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'StartError'
  }
}
