import { AppError } from '../kit/app-error.ts'

/** `isWhole` is false where more than `bytesMax` came; then `bytes` is the beginning. */
export type CollectedBody = { bytes: Buffer; isWhole: boolean }

/** How much of a body that is too large is still read, so that its sender gets to hear the refusal. */
const DRAIN_BYTES_MAX = 16 * 1024 * 1024

/** Reads a request body into memory, up to `bytesMax`. Throws AppError `malformed` where it ends too early. */
export async function collectBody(stream: AsyncIterable<Buffer>, bytesMax: number): Promise<CollectedBody> {
  const kept: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stream) {
      if (size < bytesMax) kept.push(chunk.subarray(0, bytesMax - size))
      size += chunk.length
      if (size > DRAIN_BYTES_MAX) break
    }
  } catch (cause) {
    throw new AppError('malformed', {
      message: 'The body ended before all of it had come.',
      fix: 'Send it again.',
      cause,
    })
  }
  return { bytes: Buffer.concat(kept), isWhole: size <= bytesMax }
}
