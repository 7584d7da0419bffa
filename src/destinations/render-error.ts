/** This delivery can't be rendered; the message is kept with the attempt and shown to people. */
export class RenderError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RenderError'
  }
}
